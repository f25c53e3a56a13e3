#include "kernels/folded_norm.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/threads.h"
#include "kernels/operator_harness.h"

/// A BatchNormalization as part of the convolution before it, against both in plain loops.
namespace lapel::kernels {
namespace {

using testing::expect_close;
using testing::OperatorData;
using testing::OperatorHarness;
using testing::OperatorResult;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;

/// A 3x3 convolution with padding "same" on 9 x 7 places.
Conv2DOp normed(std::int64_t in, std::int64_t filters, bool bias, FoldedNorm norm, ActivationKind activation) {
  Conv2DOp op;
  op.in = Shape::image(in, 9, 7);
  op.out = Shape::image(filters, 9, 7);
  op.kernel = {3, 3};
  op.strides = {1, 1};
  op.pad_top = op.pad_left = op.pad_bottom = op.pad_right = 1;
  op.bias = bias;
  op.activation = activation;
  op.norm = norm;
  return op;
}

std::vector<Conv2DOp> cases() {
  constexpr auto kLinear = ActivationKind::kLinear;
  constexpr auto kRelu = ActivationKind::kRelu;
  return {
      normed(1, 32, false, {}, kRelu),
      normed(32, 64, false, {}, kLinear),
      normed(16, 24, true, {0.1, true, true}, kRelu),
      normed(3, 5, true, {1e-3, false, true}, kRelu),
      normed(24, 13, false, {1e-3, true, false}, kRelu),
      normed(8, 16, true, {1e-3, false, false}, kLinear),
  };
}

BuildOptions options_for(std::int64_t batch, Dtype dtype) {
  BuildOptions options;
  options.batch = batch;
  options.dtype = dtype;
  return options;
}

using Make = std::unique_ptr<Operator> (*)(const Conv2DOp&, const BuildOptions&);

void compare(const Make& make) {
  for (const int threads : {1, 2}) {
    const ThreadScope scope(threads);
    for (const Conv2DOp& op : cases()) {
      for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
        for (const std::int64_t batch : {1, 7}) {
          SCOPED_TRACE(::testing::Message() << op.in.channels << " to " << op.out.channels << " channels, batch "
                                            << batch << (dtype == Dtype::kFloat32 ? ", float32" : ", bfloat16"));
          const BuildOptions options = options_for(batch, dtype);
          const OperatorData data = random_operands(op, batch);
          const auto tested = make(op, options);
          expect_close(run_operator(*tested, op, options, data), run_reference(op, options, data),
                       dtype == Dtype::kFloat32 ? 1e-4 : 2e-2);
        }
      }
    }
  }
}

TEST(FoldedNorm, IsAsThePlainLoops) {
  compare([](const Conv2DOp& op, const BuildOptions& options) { return make_operator(op, options); });
}

TEST(FoldedNorm, OneAfterTheOtherIsAsThePlainLoops) { compare(make_conv2d_then_norm); }

TEST(FoldedNorm, ReadsWeightsWhereATrainingStoredThem) {
  for (const Conv2DOp& op : cases()) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      Conv2DOp conv = op;
      conv.norm.reset();
      conv.activation = ActivationKind::kLinear;
      BuildOptions training = options_for(7, dtype);
      training.training = true;
      BuildOptions options = options_for(7, dtype);
      options.stored_layouts = make_operator(conv, training)->weight_layouts();
      options.stored_layouts.insert(options.stored_layouts.end(), norm_vectors(*op.norm),
                                    WeightLayout::plain({op.out.channels}));
      const OperatorData data = random_operands(op, 7);
      for (const Make make : {Make{[](const Conv2DOp&made, const BuildOptions&of) { return make_operator(made, of); }},
                              Make{make_conv2d_then_norm}}) {
        const auto tested = make(op, options);
        EXPECT_EQ(tested->weight_layouts(), options.stored_layouts);
        expect_close(run_operator(*tested, op, options, data), run_reference(op, options_for(7, dtype), data),
                     dtype == Dtype::kFloat32 ? 1e-4 : 2e-2);
      }
    }
  }
}

/// A plan for evaluation lives on while a training goes on.
TEST(FoldedNorm, TakesStatisticsAsTheyAreWhenItRuns) {
  const Conv2DOp op = cases()[1];
  const BuildOptions options = options_for(2, Dtype::kFloat32);
  OperatorData data = random_operands(op, 2);
  const auto tested = make_operator(op, options);
  OperatorHarness harness(*tested, op, options, data);
  const OperatorResult first = harness.run();
  for (auto& numbers : data.statistics) {
    for (float& number : numbers) {
      number += 1;
    }
  }
  harness.write_statistics(data.statistics);
  const OperatorResult second = harness.run();
  expect_close(second, run_reference(op, options, data), 1e-4);
  EXPECT_NE(first.output, second.output);
}

}  // namespace
}  // namespace lapel::kernels
