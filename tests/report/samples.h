#pragma once

#include <vector>

#include "lapel/report.h"

namespace lapel::testing {

inline DataDescription sample_data() {
  return {.name = "clothes",
          .location = "/data/clothes",
          .class_names = {"Bag", "Coat"},
          .splits = {{"train", {4, 28, 28, 1}, 0, 255, 72.9404, 90.0212, {1, 3}},
                     {"test", {1, 28, 28, 1}, 3, 200, 70.5, 80.25, {0, 1}}}};
}

inline Summary sample_summary() {
  return {.name = "tiny",
          .sequential = true,
          .rows = {{"flatten", "Flatten", "(None, 784)", 0, {}}, {"dense", "Dense", "(None, 2)", 1570, {"flatten"}}},
          .trainable = 1570,
          .flop = 3136};
}

inline RunRecord sample_record() {
  return {.name = "tiny",
          .train = Score{0.75, 0.5, 3},
          .validation = Score{1, 0.25, 1},
          .test = {},
          .epochs = 2,
          .steps = 6,
          .parameters = 1570,
          .training_flop = 56520,
          .seconds = 1.25,
          .seed = 7,
          .threads = 2,
          .process_seconds = 2.5,
          .precision = "float32",
          .cpu = "A CPU",
          .isa = "avx2",
          .lapel_version = "0.1.0",
          .onednn_version = "oneDNN 2.6.3"};
}

inline std::vector<EpochResult> sample_history() {
  return {{1, 0.5, 0.75, 0.5, 0.625, 0.001, 0.5}, {2, 0.75, 0.0005, 1.0, 0.25, 1e-05, 0.75}};
}

inline Evaluation sample_evaluation() {
  return evaluate_predictions("test", {"Bag", "Coat"}, std::vector<float>{0.25F, 0.75F}, std::vector<Label>{1});
}

inline std::vector<PredictionRow> sample_predictions() {
  return {{"coat.png", "", {{1, "Coat", 0.99984}, {0, "Bag", 0.00016}}},
          {"test[3]", "Bag", {{1, "Coat", 0.75}, {0, "Bag", 0.25}}}};
}

}  // namespace lapel::testing
