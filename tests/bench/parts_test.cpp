#include "bench/parts.h"

#include <gtest/gtest.h>

#include "bench/machine.h"
#include "support/tiny.h"

namespace lapel::measuring {
namespace {

constexpr std::int64_t kBatch = 8;

plan::Network network(bool training) {
  const std::vector<LayerSpec> layers = {
      test::layer("Flatten"), test::layer("Dense", {{"units", std::int64_t{16}}, {"activation", std::string("tanh")}}),
      test::layer("Dense", {{"units", std::int64_t{4}}})};
  plan::Network made(model::Model("tiny", layers, Shape::image(1, 8, 6)),
                     {kernels::Dtype::kFloat32, 1, 1.0F / 255.0F, kBatch, training});
  made.parameters().initialize(1);
  return made;
}

MeasuredParts parts_of(BenchMode mode) {
  const DataSet data = test::tiny_data(60, 0);
  TrainSpec spec;
  spec.optimizer = {"SGD", {{"learning_rate", 0.01}, {"momentum", 0.5}}, {}};
  auto measured = network(mode == BenchMode::kTrain);
  return time_parts({measured, data.train, {0, 60}, spec, mode, kBatch, 25});
}

const BenchPart& find(const MeasuredParts& measured, std::string_view layer, std::string_view op,
                      std::string_view pass) {
  for (const auto& part : measured.parts) {
    if (part.layer == layer && part.op == op && part.pass == pass) {
      return part;
    }
  }
  throw std::out_of_range(std::string(op));
}

TEST(Parts, AreThoseOfAStepInItsOrder) {
  std::vector<std::string> names;
  for (const auto& part : parts_of(BenchMode::kTrain).parts) {
    names.push_back(part.layer + "/" + part.op + "/" + part.pass);
    EXPECT_GE(part.ms, 0);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"input_layer/input/forward", "dense/dense/forward", "dense/tanh/forward",
                                             "dense_1/dense/forward", "/loss/", "dense_1/dense/backward",
                                             "dense/tanh/backward", "dense/dense/backward", "/loop/"}));
}

TEST(Parts, CountArithmeticAndBytes) {
  const auto measured = parts_of(BenchMode::kTrain);
  constexpr std::int64_t kFloat = 4;
  const auto& input = find(measured, "input_layer", "input", "forward");
  EXPECT_EQ(input.bytes, kBatch * 48 + kBatch * 48 * kFloat);
  EXPECT_EQ(input.flop, 0);
  const auto& forward = find(measured, "dense_1", "dense", "forward");
  EXPECT_EQ(forward.flop, 2 * kBatch * 16 * 4);
  // Weights may be padded in the order that the kernel chose.
  EXPECT_GE(forward.bytes, (kBatch * 16 + 16 * 4 + 4 + kBatch * 4) * kFloat);
  const auto& backward = find(measured, "dense_1", "dense", "backward");
  EXPECT_EQ(backward.flop, 2 * forward.flop);
  // The gradient of its output, its inputs, its weights, and the gradients of inputs; then, for the update in passing,
  // weights and momentum read and written.
  EXPECT_GE(backward.bytes, (kBatch * 4 + kBatch * 16 + 16 * 4 + 4 + kBatch * 16 + 4 * (16 * 4 + 4)) * kFloat);
  // The first layer computes no gradient of the pictures.
  EXPECT_EQ(find(measured, "dense", "dense", "backward").flop, find(measured, "dense", "dense", "forward").flop);
  EXPECT_EQ(find(measured, "", "loss", "").bytes, 2 * kBatch * 4 * kFloat);
}

TEST(Parts, OfPredictionsEndWithTheSoftmax) {
  const auto measured = parts_of(BenchMode::kPredict);
  ASSERT_EQ(measured.parts.size(), 6U);
  EXPECT_EQ(measured.parts[4].op, "softmax");
  EXPECT_EQ(measured.parts[4].bytes, kBatch * 4 * (4 + 4));
  EXPECT_EQ(measured.parts[5].op, "loop");
}

TEST(Parts, TraceHoldsTheLastStepsWithTheirParts) {
  const auto measured = parts_of(BenchMode::kTrain);
  ASSERT_EQ(measured.steps.size(), 20U);
  ASSERT_EQ(measured.events.size(), 20 * measured.parts.size());
  EXPECT_EQ(measured.steps.front().start_us, 0);
  EXPECT_EQ(measured.events[1].name, "dense (dense) forward");
  const double last = measured.events.back().start_us + measured.events.back().duration_us;
  EXPECT_NEAR(last, measured.steps.back().start_us + measured.steps.back().duration_us, 1e-3);
}

TEST(Limits, AreTheHigherOfTheTwoRoofs) {
  const MachineLimits machine{"", "", "", 2, 100, 300, {{1000, 50}}};
  std::vector<BenchPart> parts(3);
  parts[0].op = "memory";
  parts[0].ms = 2;
  parts[0].flop = 1'000'000;
  parts[0].bytes = 50'000'000;
  parts[1].op = "arithmetic";
  parts[1].ms = 5;
  parts[1].flop = 300'000'000;
  parts[1].bytes = 1'000;
  parts[2].op = "neither";
  parts[2].ms = 0.5;
  const BenchParts floats = with_limits(parts, machine, 1000, false);
  EXPECT_EQ(floats.gflops, 100);
  EXPECT_DOUBLE_EQ(floats.limit_ms, 1 + 3);
  EXPECT_DOUBLE_EQ(floats.ms, 7.5);
  EXPECT_EQ(floats.parts[0].op, "arithmetic");  // 2 ms are lost, of the others 1 and 0.5.
  EXPECT_FALSE(floats.parts[0].by_memory);
  EXPECT_EQ(floats.parts[1].op, "memory");
  EXPECT_TRUE(floats.parts[1].by_memory);
  EXPECT_DOUBLE_EQ(with_limits(parts, machine, 1000, true).limit_ms, 1 + 1);
  const MachineLimits without{"", "", "", 2, 100, 0, {{1000, 50}}};
  EXPECT_EQ(with_limits(parts, without, 1000, true).gflops, 100);
}

TEST(Limits, AreTheMeanOfTwoMeasurements) {
  const MachineLimits mean = mean_of({"cpu", "isa", "3", 2, 100, 300, {{1000, 80}, {4000, 10}}},
                                     {"cpu", "isa", "3", 2, 110, 0, {{1000, 60}, {4000, 20}}});
  EXPECT_EQ(mean.cpu, "cpu");
  EXPECT_EQ(mean.threads, 2);
  EXPECT_EQ(mean.float32_gflops, 105);
  EXPECT_EQ(mean.bfloat16_gflops, 150);
  ASSERT_EQ(mean.bandwidth.size(), 2U);
  EXPECT_EQ(mean.bandwidth[1].bytes, 4000);
  EXPECT_EQ(mean.bandwidth[0].gigabytes_per_second, 70);
  EXPECT_EQ(mean.bandwidth[1].gigabytes_per_second, 15);
}

TEST(Limits, BandwidthLiesBetweenTheMeasuredSizes) {
  const MachineLimits machine{"", "", "", 2, 100, 300, {{1000, 80}, {4000, 60}, {16000, 10}}};
  EXPECT_DOUBLE_EQ(bandwidth_at(machine, 10), 80);
  EXPECT_DOUBLE_EQ(bandwidth_at(machine, 1000), 80);
  EXPECT_NEAR(bandwidth_at(machine, 2000), 70, 1e-9);
  EXPECT_DOUBLE_EQ(bandwidth_at(machine, 4000), 60);
  EXPECT_DOUBLE_EQ(bandwidth_at(machine, 1'000'000), 10);
  EXPECT_EQ(bandwidth_at({}, 10), 0);
}

}  // namespace
}  // namespace lapel::measuring
