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
  },
  "findings": []
}
)json");
}

TEST(Json, OfFindings) {
  DataDescription data = testing::sample_data();
  add_finding(data.findings, FindingKind::kTaken, "pictures brought to 28 x 28", "a.png");
  add_finding(data.findings, FindingKind::kLeftOut, "files that are no pictures", "Thumbs.db", 12);
  add_remark(data.findings, FindingKind::kWarning, "few pictures");
  RunRecord record = testing::sample_record();
  record.findings = data.findings;
  const std::string expected =
      R"([{"kind":"note","what":"pictures brought to 28 x 28","count":1,"examples":["a.png"]},)"
      R"({"kind":"left out","what":"files that are no pictures","count":12,"examples":["Thumbs.db"]},)"
      R"({"kind":"warning","what":"few pictures","count":0,"examples":[]}])";
  EXPECT_EQ(Json::parse(to_json(data))["findings"].dump(), expected);
  EXPECT_EQ(Json::parse(to_json(record))["findings"].dump(), expected);
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
  "macro_f1": null,
  "balanced_accuracy": null,
  "top_3_accuracy": null,
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
  },
  "findings": []
}
)json");
}

TEST(Json, OfARunThatACallbackStopped) {
  RunRecord record = testing::sample_record();
  record.macro_f1 = 0.25;
  record.balanced_accuracy = 0.5;
  record.top_3_accuracy = 0.75;
  record.stopped_by = "EarlyStopping: val_loss";
  const Json json = Json::parse(to_json(record));
  EXPECT_EQ(json["macro_f1"], 0.25);
  EXPECT_EQ(json["balanced_accuracy"], 0.5);
  EXPECT_EQ(json["top_3_accuracy"], 0.75);
  EXPECT_EQ(json["stopped_by"], "EarlyStopping: val_loss");
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
  EXPECT_EQ(keys,
            "split samples accuracy loss balanced_accuracy top_3_accuracy largest_class_share classes macro_avg "
            "weighted_avg confusion_matrix ");
  EXPECT_EQ(json["balanced_accuracy"], 1);
  EXPECT_EQ(json["top_3_accuracy"], 1);
  EXPECT_EQ(json["largest_class_share"], 1);
  EXPECT_EQ(json["loss"].get<double>(), evaluation.score.loss);
  EXPECT_EQ(json["classes"][1].dump(),
            R"({"label":1,"name":"Coat","precision":1.0,"recall":1.0,"f1":1.0,"support":1})");
  EXPECT_EQ(json["classes"][0].dump(), R"({"label":0,"name":"Bag","precision":0.0,"recall":0.0,"f1":0.0,"support":0})");
  // Over the classes that occur, as scikit-learn's: there is no Bag.
  EXPECT_EQ(json["macro_avg"].dump(), R"({"precision":1.0,"recall":1.0,"f1":1.0,"support":1})");
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
