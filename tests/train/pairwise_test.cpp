// Every option of a training with every other, on tiny data.

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "train/training_run.h"

namespace lapel::training {
namespace {

using lapel::test::layer;

struct Case {
  TrainSpec spec;
  test::RunOptions options;
};

/// One way to set an option.
struct Choice {
  std::string name;
  std::function<void(Case&)> apply;
};

Choice optimizer(const std::string& type, const OptionValues& values = {}) {
  return {type, [=](Case& c) { c.spec.optimizer = {type, values, {}}; }};
}

Choice schedule(const std::string& type, const OptionValues& values = {}) {
  return {type, [=](Case& c) { c.spec.schedule = {type, values, {}}; }};
}

Choice loss(const std::string& type, double smoothing) {
  return {type, [=](Case& c) { c.spec.loss = {type, {{"label_smoothing", smoothing}}, {}}; }};
}

template <class T>
Choice set(const std::string& name, T TrainSpec::*member, T value) {
  return {name, [=](Case& c) { c.spec.*member = value; }};
}

std::vector<std::vector<Choice>> dimensions() {
  return {
      {optimizer("SGD"), optimizer("SGD", {{"momentum", 0.9}, {"nesterov", true}, {"weight_decay", 0.01}}),
       optimizer("Adam"), optimizer("AdamW", {{"weight_decay", 0.1}}), optimizer("Muon"),
       optimizer("Muon", {{"normalize_weights", true}, {"ns_steps", std::int64_t{3}}})},
      {schedule("Constant"), schedule("Linear", {{"warmup_epochs", 0.5}}), schedule("Cosine", {{"alpha", 0.1}}),
       schedule("OneCycle")},
      {loss("sparse_categorical_crossentropy", 0), loss("sparse_categorical_crossentropy", 0.1),
       loss("categorical_crossentropy", 0.2)},
      {set("shuffled", &TrainSpec::shuffle, true), set("in order", &TrainSpec::shuffle, false)},
      {set<std::int64_t>("batch 8", &TrainSpec::batch_size, 8),
       set<std::int64_t>("batch 12", &TrainSpec::batch_size, 12)},
      {{"no mean", [](Case&) {}},
       set("EMA", &TrainSpec::use_ema, true),
       {"EMA now and then",
        [](Case& c) {
          c.spec.use_ema = true;
          c.spec.ema_frequency = 2;
          c.spec.ema_overwrite_frequency = 3;
        }}},
      {{"no Lookahead", [](Case&) {}},
       set<std::int64_t>("Lookahead", &TrainSpec::lookahead_sync_period, 2),
       {"Lookahead with a ramp",
        [](Case& c) {
          c.spec.lookahead_sync_period = 3;
          c.spec.lookahead_ramp = 3;
        }}},
      {{"no groups", [](Case&) {}},
       {"groups",
        [](Case& c) {
          c.spec.groups = {{"*/bias", 4, 0, true}, {"*/kernel", 1, 2, true}, {"*e*", 0.5, 1, false}};
        }}},
      {{"float32", [](Case&) {}}, {"bfloat16", [](Case& c) { c.options.dtype = kernels::Dtype::kBfloat16; }}},
      {{"epochs", [](Case&) {}},
       {"time",
        [](Case& c) {
          c.options.step_seconds = 1;
          c.options.time = 9;
          c.options.closing = 1;
        }}},
      {{"dense", [](Case&) {}},
       {"convolutions", [](Case& c) { c.options.layers = lapel::test::residual_layers(4); }},
       {"augmented",
        [](Case& c) {
          auto& layers = c.options.layers;
          layers.insert(layers.begin(),
                        {layer("RandomFlip", {{"alternating", true}}),
                         layer("RandomTranslation", {{"height_factor", 0.1}, {"width_factor", 0.1}}),
                         layer("RandomRotation", {{"factor", 0.1}}), layer("RandomZoom", {{"height_factor", 0.2}}),
                         layer("RandomErasing", {{"start_epoch", std::int64_t{2}}})});
        }},
       {"mixed",
        [](Case& c) {
          c.options.layers.insert(c.options.layers.begin(), {layer("RandomFlip"), layer("CutMix"), layer("MixUp")});
        }}},
  };
}

using Row = std::vector<std::size_t>;
using Pair = std::array<std::size_t, 4>;  ///< Dimension, choice, dimension, choice.

std::set<Pair> pairs_of(const Row& row) {
  std::set<Pair> pairs;
  for (std::size_t a = 0; a < row.size(); ++a) {
    for (std::size_t b = a + 1; b < row.size(); ++b) {
      pairs.insert({a, row[a], b, row[b]});
    }
  }
  return pairs;
}

/// Rows in which every choice of a dimension meets every choice of every other.
std::vector<Row> covering_rows(const std::vector<std::vector<Choice>>& all) {
  std::set<Pair> open;
  for (std::size_t a = 0; a < all.size(); ++a) {
    for (std::size_t b = a + 1; b < all.size(); ++b) {
      for (std::size_t i = 0; i < all[a].size(); ++i) {
        for (std::size_t j = 0; j < all[b].size(); ++j) {
          open.insert({a, i, b, j});
        }
      }
    }
  }
  const auto gain = [&](const Row& row) {
    std::size_t count = 0;
    for (const Pair& pair : pairs_of(row)) {
      count += open.count(pair);
    }
    return count;
  };
  std::vector<Row> rows;
  while (!open.empty()) {
    const Pair seed = *open.begin();
    Row row(all.size(), 0);
    row[seed[0]] = seed[1];
    row[seed[2]] = seed[3];
    for (std::size_t d = 0; d < all.size(); ++d) {
      if (d == seed[0] || d == seed[2]) {
        continue;
      }
      Row best = row;
      for (std::size_t choice = 0; choice < all[d].size(); ++choice) {
        Row other = row;
        other[d] = choice;
        best = gain(other) > gain(best) ? other : best;
      }
      row = best;
    }
    for (const Pair& pair : pairs_of(row)) {
      open.erase(pair);
    }
    rows.push_back(row);
  }
  return rows;
}

TEST(Pairwise, EveryOptionWithEveryOther) {
  const auto all = dimensions();
  const auto rows = covering_rows(all);
  EXPECT_LT(rows.size(), 40U);
  for (const Row& row : rows) {
    Case c;
    c.spec.epochs = 2;
    std::string names;
    for (std::size_t d = 0; d < all.size(); ++d) {
      all[d][row[d]].apply(c);
      names += all[d][row[d]].name + ", ";
    }
    SCOPED_TRACE(names);
    for (const int threads : {1, 2}) {
      c.options.threads = threads;
      const auto whole = test::run(c.spec, c.options);
      for (const auto& weight : whole.weights) {
        for (const float number : weight) {
          ASSERT_TRUE(std::isfinite(number));
        }
      }
      EXPECT_EQ(test::run(c.spec, c.options).weights, whole.weights);
      auto first = c.options;
      first.stop_after = 2;
      const auto stopped = test::run(c.spec, first);
      auto second = c.options;
      second.resume = &stopped.checkpoints.back();
      const auto resumed = test::run(c.spec, second);
      EXPECT_EQ(resumed.weights, whole.weights) << threads << " threads";
      EXPECT_EQ(resumed.result.steps, whole.result.steps);
      EXPECT_EQ(resumed.result.history.back().loss, whole.result.history.back().loss);
    }
  }
}

}  // namespace
}  // namespace lapel::training
