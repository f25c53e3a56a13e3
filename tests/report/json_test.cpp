#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "lapel/report.h"
#include "report/samples.h"

namespace lapel {
namespace {

using Json = nlohmann::ordered_json;

TEST(Json, OfADataDescription) {
  EXPECT_EQ(to_json(testing::sample_data()), R"json({
  "name": "clothes",
  "location": "/data/clothes",
  "class_names": [
    "Bag",
    "Coat"
  ],
  "splits": {
    "train": {
      "shape": [
        4,
        28,
        28,
        1
      ],
      "min_pixel": 0,
      "max_pixel": 255,
      "mean_pixel": 72.9404,
      "std_pixel": 90.0212,
      "class_counts": [
        1,
        3
      ]
    },
    "test": {
      "shape": [
        1,
        28,
        28,
        1
      ],
      "min_pixel": 3,
      "max_pixel": 200,
      "mean_pixel": 70.5,
      "std_pixel": 80.25,
      "class_counts": [
        0,
        1
      ]
    }
  }
}
)json");
}

TEST(Json, OfASummary) {
  EXPECT_EQ(to_json(testing::sample_summary()), R"json({
  "name": "tiny",
  "sequential": true,
  "layers": [
    {
      "name": "flatten",
      "type": "Flatten",
      "output_shape": "(None, 784)",
      "parameters": 0,
      "connected_to": []
    },
    {
      "name": "dense",
      "type": "Dense",
      "output_shape": "(None, 2)",
      "parameters": 1570,
      "connected_to": [
        "flatten"
      ]
    }
  ],
  "parameters": 1570,
  "trainable": 1570,
  "non_trainable": 0,
  "flop": 3136
}
)json");
}

TEST(Json, OfARun) {
  EXPECT_EQ(to_json(testing::sample_record()), R"json({
  "name": "tiny",
  "status": "complete",
  "train": {
    "accuracy": 0.75,
    "loss": 0.5,
    "samples": 3
  },
  "val": {
    "accuracy": 1.0,
    "loss": 0.25,
    "samples": 1
  },
  "test": null,
  "epochs": 2,
  "steps": 6,
  "parameters": 1570,
  "training_flop": 56520.0,
  "seconds": 1.25,
  "stopped_by": null,
  "time_budget": null,
  "process_seconds": 2.5,
  "seed": 7,
  "threads": 2,
  "precision": "float32",
  "test_time_augmentation": "none",
  "cpu": "A CPU",
  "isa": "avx2",
  "versions": {
    "lapel": "0.1.0",
    "onednn": "oneDNN 2.6.3"
  }
}
)json");
}

TEST(Json, OfPredictions) {
  EXPECT_EQ(to_json(testing::sample_predictions()), R"json([
  {
    "input": "coat.png",
    "actual": null,
    "predictions": [
      {
        "label": 1,
        "name": "Coat",
        "probability": 0.99984
      },
      {
        "label": 0,
        "name": "Bag",
        "probability": 0.00016
      }
    ]
  },
  {
    "input": "test[3]",
    "actual": "Bag",
    "predictions": [
      {
        "label": 1,
        "name": "Coat",
        "probability": 0.75
      },
      {
        "label": 0,
        "name": "Bag",
        "probability": 0.25
      }
    ]
  }
]
)json");
  EXPECT_EQ(to_json(std::span<const PredictionRow>()), "[]\n");
}

TEST(Json, OfAnEvaluationHasEveryNumber) {
  const Evaluation evaluation = testing::sample_evaluation();
  const Json json = Json::parse(to_json(evaluation));
  std::string keys;
  for (const auto& [key, value] : json.items()) {
    keys += key + " ";
  }
  EXPECT_EQ(keys, "split samples accuracy loss classes macro_avg weighted_avg confusion_matrix ");
  EXPECT_EQ(json["loss"].get<double>(), evaluation.score.loss);
  EXPECT_EQ(json["classes"][1].dump(),
            R"({"label":1,"name":"Coat","precision":1.0,"recall":1.0,"f1":1.0,"support":1})");
  EXPECT_EQ(json["macro_avg"].dump(), R"({"precision":0.5,"recall":0.5,"f1":0.5,"support":1})");
  EXPECT_EQ(json["confusion_matrix"].dump(), "[[0,0],[0,1]]");
}

TEST(Json, KeepsEveryBitOfANumber) {
  RunRecord record = testing::sample_record();
  record.seconds = 0.1 + 0.2;
  record.seed = std::numeric_limits<std::int64_t>::max();
  const Json json = Json::parse(to_json(record));
  EXPECT_EQ(json["seconds"].get<double>(), 0.1 + 0.2);
  EXPECT_EQ(json["seed"].get<std::int64_t>(), std::numeric_limits<std::int64_t>::max());
}

TEST(Json, IsADocumentWhateverTheTextAndNumbersAre) {
  RunRecord record = testing::sample_record();
  record.name = "caf\xE9 \"\n";
  record.train = Score{0.5, std::numeric_limits<double>::quiet_NaN(), 1};
  const Json json = Json::parse(to_json(record));
  EXPECT_EQ(json["name"], "caf\xEF\xBF\xBD \"\n");
  EXPECT_TRUE(json["train"]["loss"].is_null());
}

}  // namespace
}  // namespace lapel
