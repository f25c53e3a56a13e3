#include "train/averages.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plan/network.h"
#include "support/tiny.h"
#include "train/numbers.h"

namespace lapel::training {
namespace {

/// One weight of seven numbers, and statistics beside it: BatchNormalization of seven channels, whose gamma is moved.
plan::Network seven_numbers(kernels::Dtype dtype = kernels::Dtype::kFloat32) {
  return plan::Network(model::Model("m",
                                    {lapel::test::layer("BatchNormalization"), lapel::test::layer("Flatten"),
                                     lapel::test::layer("Dense", {{"units", std::int64_t{4}}})},
                                    Shape::image(7, 1, 1)),
                       {dtype, 1, 1.0F, 4, true});
}

std::size_t index_of(const plan::Parameters& parameters, const std::string& name) {
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    if (parameters.entries()[i].name == name) {
      return i;
    }
  }
  throw std::runtime_error(name);
}

void expect_near(const std::vector<float>& got, const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i], expected[i], 2e-6);
  }
}

/// Follows the golden numbers of `key`, in a trainable weight and in a statistic.
void follow(const std::string& key, const TrainSpec& spec) {
  SCOPED_TRACE(key);
  const auto numbers = test::golden_numbers();
  plan::Network network = seven_numbers();
  auto& parameters = network.parameters();
  const std::vector<std::size_t> both = {index_of(parameters, "batch_normalization/gamma"),
                                         index_of(parameters, "batch_normalization/moving_mean")};
  const auto add = [&](const std::vector<double>& numbers_to_add) {
    for (const std::size_t index : both) {
      auto values = parameters.get(index);
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] += static_cast<float>(numbers_to_add[i]);
      }
      parameters.set(index, values);
    }
  };
  for (const std::size_t index : both) {
    parameters.set(index, std::vector<float>(7, 0.0F));
  }
  add(numbers.at(key + "/initial"));
  Averages averages(spec, parameters);
  constexpr std::int64_t kSteps = 12;
  for (std::int64_t step = 1; step <= kSteps; ++step) {
    const std::string at = "/" + std::to_string(step);
    add(numbers.at(key + "/move" + at));
    averages.after_step(parameters, step, static_cast<double>(step - 1) / kSteps);
    for (const std::size_t index : both) {
      expect_near(parameters.get(index), numbers.at(key + "/weights" + at));
      if (spec.use_ema) {
        expect_near(parameters.unpacked(index, averages.mean()), numbers.at(key + "/mean" + at));
      }
      if (spec.lookahead_sync_period > 0) {
        expect_near(parameters.unpacked(index, averages.slow()), numbers.at(key + "/slow" + at));
      }
    }
  }
}

TEST(Averages, EveryStepAsTheFormulasSay) {
  TrainSpec spec;
  spec.use_ema = true;
  spec.ema_momentum = 0.9;
  follow("ema", spec);
  spec.ema_overwrite_frequency = 4;
  follow("ema-overwrite", spec);
  spec.ema_overwrite_frequency = 0;
  spec.ema_frequency = 3;
  spec.ema_momentum = 0.7;
  follow("ema-every-3", spec);
  spec = {};
  spec.lookahead_sync_period = 3;
  follow("lookahead", spec);
  spec.lookahead_sync_period = 2;
  spec.lookahead_slow_step_size = 1 - 0.95 * 0.95 * 0.95 * 0.95 * 0.95;
  spec.lookahead_ramp = 3;
  follow("lookahead-ramp", spec);
  spec = {};
  spec.use_ema = true;
  spec.ema_momentum = 0.9;
  spec.ema_frequency = 2;
  spec.ema_overwrite_frequency = 6;
  spec.lookahead_sync_period = 2;
  spec.lookahead_slow_step_size = 0.8;
  follow("both", spec);
}

TEST(Averages, ExchangedTwiceEveryBitIsBack) {
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    plan::Network network = seven_numbers(dtype);
    auto& parameters = network.parameters();
    parameters.initialize(1);
    TrainSpec spec;
    spec.use_ema = true;
    spec.ema_frequency = 2;
    Averages averages(spec, parameters);
    const auto values = [&] { return std::vector<float>(parameters.values().begin(), parameters.values().end()); };
    const auto first = values();
    averages.exchange(parameters, 1);
    EXPECT_EQ(values(), first) << "there is no mean before the first averaging";
    averages.after_step(parameters, 2, 0);
    parameters.values()[0] += 1;
    parameters.refresh_low();
    const auto before = values();
    averages.exchange(parameters, 3);
    EXPECT_EQ(values(), first);
    averages.exchange(parameters, 3);
    EXPECT_EQ(values(), before);
  }
}

}  // namespace
}  // namespace lapel::training
