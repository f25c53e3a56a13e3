// What instructions cost, counted by hand.

#include "plan/cost.h"

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::Dtype;

constexpr std::int64_t kBatch = 5;

/// An operator that keeps 100 bytes, whose backward reads inputs and output.
class Fake : public kernels::Operator {
 public:
  explicit Fake(bool updates) : updates_(updates) {}
  [[nodiscard]] std::string implementation() const override { return "fake"; }
  [[nodiscard]] std::vector<kernels::WeightLayout> weight_layouts() const override {
    return {kernels::WeightLayout::plain({8, 6}), kernels::WeightLayout::plain({6})};
  }
  [[nodiscard]] std::size_t saved_bytes() const override { return 100; }
  [[nodiscard]] bool backward_reads_inputs() const override { return true; }
  [[nodiscard]] bool backward_reads_output() const override { return true; }
  [[nodiscard]] bool has_fused_update() const override { return updates_; }
  void bind(const kernels::Binding& /*binding*/) override {}
  void forward(const kernels::StepState& /*state*/) override {}
  void backward(const kernels::StepState& /*state*/) override {}

 private:
  bool updates_;
};

/// %0 = pictures, %1 = dense(%0), %2 = dense(%1), which two read.
Program program_of(bool training) {
  test::HandMade made(training);
  const auto first = made.add(kernels::DenseOp{1, 4, 8}, {made.input(4)});
  const auto second = made.add(kernels::DenseOp{1, 8, 6}, {first});
  made.add(kernels::AddOp{6}, {second, second});
  return made.program();
}

TEST(Cost, OfForward) {
  const Program program = program_of(false);
  const GradientFlow flow = gradient_flow(program);
  const auto info = Cost(program, flow, kBatch, Dtype::kFloat32).of(2, Fake(false), 0, false);
  EXPECT_EQ(info.layer, "c");
  EXPECT_EQ(info.op, "dense");
  EXPECT_EQ(info.implementation, "fake");
  EXPECT_EQ(info.flop, kBatch * 2 * 8 * 6);
  EXPECT_EQ(info.bytes, 4 * (kBatch * (8 + 6) + 8 * 6 + 6));
  EXPECT_EQ(info.backward_flop + info.backward_bytes + info.update_bytes, 0);
  // In bfloat16 biases stay floats.
  const auto low = Cost(program, flow, kBatch, Dtype::kBfloat16).of(2, Fake(false), 0, false);
  EXPECT_EQ(low.bytes, 2 * (kBatch * (8 + 6) + 8 * 6) + 4 * 6);
}

TEST(Cost, OfBackwardAndUpdate) {
  const Program program = program_of(true);
  const GradientFlow flow = gradient_flow(program);
  const Cost cost(program, flow, kBatch, Dtype::kFloat32);
  const auto info = cost.of(2, Fake(false), 2, false);
  constexpr std::int64_t kWeights = 8 * 6 + 6;
  EXPECT_EQ(info.bytes, 4 * (kBatch * (8 + 6) + kWeights) + 100);
  EXPECT_EQ(info.backward_flop, 2 * info.flop);
  // Two parts and their sum; output and its gradient; input and its gradient; weights, and their gradients.
  EXPECT_EQ(info.backward_bytes, 4 * (kBatch * (3 * 6 + 2 * 6 + 2 * 8) + 2 * kWeights) + 100);
  // The gradient, then weights and two numbers of state read and written.
  EXPECT_EQ(info.update_bytes, 4 * kWeights * (1 + 2 * 3));
}

TEST(Cost, AFusedUpdateIsPartOfBackward) {
  const Program program = program_of(true);
  const GradientFlow flow = gradient_flow(program);
  const Cost cost(program, flow, kBatch, Dtype::kFloat32);
  constexpr std::int64_t kWeights = 8 * 6 + 6;
  const auto stored = cost.of(2, Fake(true), 2, true);
  const auto fused = cost.of(2, Fake(true), 2, false);
  EXPECT_EQ(fused.backward_bytes - stored.backward_bytes, 4 * kWeights * (2 * 3 - 1));
}

TEST(Cost, TheFirstLayerHasNoGradientOfItsInput) {
  const Program program = program_of(true);
  const GradientFlow flow = gradient_flow(program);
  const Cost cost(program, flow, kBatch, Dtype::kFloat32);
  EXPECT_EQ(cost.of(1, Fake(false), 0, false).backward_flop, kBatch * 2 * 4 * 8);
  EXPECT_EQ(cost.of(0, Fake(false), 0, false).backward_bytes, 0);
}

}  // namespace
}  // namespace lapel::plan
