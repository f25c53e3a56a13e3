#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "base/threads.h"
#include "kernels/onednn/layout.h"
#include "kernels/operator_harness.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

using testing::expect_close;
using testing::OperatorData;
using testing::OperatorHarness;
using testing::OperatorResult;
using testing::random_numbers;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;

constexpr auto kLinear = ActivationKind::kLinear;
constexpr auto kRelu = ActivationKind::kRelu;

/// Keras's padding "same": the odd zero goes to the end.
std::array<std::int64_t, 2> same_padding(std::int64_t in, std::int64_t kernel, std::int64_t stride) {
  const std::int64_t out = (in + stride - 1) / stride;
  const std::int64_t total = std::max<std::int64_t>(0, (out - 1) * stride + kernel - in);
  return {total / 2, total - total / 2};
}

struct Geometry {
  std::int64_t channels, height, width;
  std::array<std::int64_t, 2> kernel, strides;
  bool same;
};

/// Fills input, output and padding of a windowed op.
template <class WindowOp>
WindowOp windowed(WindowOp op, const Geometry& g, std::int64_t out_channels) {
  op.in = Shape::image(g.channels, g.height, g.width);
  op.strides = g.strides;
  std::array<std::int64_t, 2> vertical{};
  std::array<std::int64_t, 2> horizontal{};
  if (g.same) {
    vertical = same_padding(g.height, g.kernel[0], g.strides[0]);
    horizontal = same_padding(g.width, g.kernel[1], g.strides[1]);
  }
  op.pad_top = vertical[0];
  op.pad_bottom = vertical[1];
  op.pad_left = horizontal[0];
  op.pad_right = horizontal[1];
  op.out = Shape::image(out_channels, (g.height + vertical[0] + vertical[1] - g.kernel[0]) / g.strides[0] + 1,
                        (g.width + horizontal[0] + horizontal[1] - g.kernel[1]) / g.strides[1] + 1);
  return op;
}

Op conv(const Geometry& g, std::int64_t filters, ActivationKind activation = kLinear, bool bias = true) {
  Conv2DOp op;
  op.kernel = g.kernel;
  op.activation = activation;
  op.bias = bias;
  return windowed(op, g, filters);
}

Op pool(Pool2DOp::Kind kind, const Geometry& g) {
  Pool2DOp op;
  op.kind = kind;
  op.pool = g.kernel;
  return windowed(op, g, g.channels);
}

struct Case {
  std::string name;
  Op op;
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
};

std::vector<Case> cases() {
  constexpr auto kMax = Pool2DOp::Kind::kMax;
  constexpr auto kAverage = Pool2DOp::Kind::kAverage;
  return {
      {"dense_784_10", DenseOp{1, 784, 10, true, kLinear}},
      {"dense_64_128_relu", DenseOp{1, 64, 128, true, kRelu}},
      {"dense_odd_relu_no_bias", DenseOp{1, 17, 5, false, kRelu}},
      {"dense_rows", DenseOp{3, 7, 33, true, kRelu}},
      {"dense_one_to_one", DenseOp{1, 1, 1, true, kLinear}},
      {"conv_first_layer", conv({1, 14, 14, {3, 3}, {1, 1}, false}, 32, kRelu)},
      {"conv_rgb_odd_filters", conv({3, 9, 11, {3, 3}, {1, 1}, true}, 5, kRelu)},
      {"conv_16_32", conv({16, 6, 6, {3, 3}, {1, 1}, true}, 32, kRelu)},
      {"conv_stride_2_same_asymmetric", conv({8, 10, 10, {3, 3}, {2, 2}, true}, 16)},
      {"conv_stride_2_odd_channels", conv({7, 9, 8, {3, 3}, {2, 2}, true}, 13, kRelu)},
      {"conv_5x5_valid", conv({20, 7, 7, {5, 5}, {1, 1}, false}, 33, kRelu, false)},
      {"conv_1x1", conv({24, 5, 5, {1, 1}, {1, 1}, false}, 40)},
      {"conv_1x1_stride_2", conv({8, 7, 7, {1, 1}, {2, 2}, false}, 16)},
      {"conv_4x4_same", conv({8, 5, 5, {4, 4}, {1, 1}, true}, 8)},
      {"conv_2x3_strides_1_2", conv({5, 7, 9, {2, 3}, {1, 2}, true}, 6)},
      {"conv_whole_picture", conv({8, 3, 3, {3, 3}, {1, 1}, false}, 10)},
      {"max_2x2", pool(kMax, {16, 8, 8, {2, 2}, {2, 2}, false})},
      {"max_2x2_leftover_odd_channels", pool(kMax, {13, 7, 9, {2, 2}, {2, 2}, false})},
      {"max_3x3_overlapping_same", pool(kMax, {5, 8, 7, {3, 3}, {2, 2}, true})},
      {"max_one_channel", pool(kMax, {1, 6, 6, {2, 2}, {2, 2}, false})},
      {"average_2x2", pool(kAverage, {16, 8, 8, {2, 2}, {2, 2}, false})},
      {"average_3x3_same_odd_channels", pool(kAverage, {7, 8, 7, {3, 3}, {2, 2}, true})},
      {"average_2x3_stride_1", pool(kAverage, {3, 5, 6, {2, 3}, {1, 1}, true})},
      {"relu", ActivationOp{kRelu, 100, 10}},
      {"gelu", ActivationOp{ActivationKind::kGelu, 77, 7}},
      {"tanh", ActivationOp{ActivationKind::kTanh, 33, 33}},
      {"sigmoid", ActivationOp{ActivationKind::kSigmoid, 65, 13}},
      {"linear", ActivationOp{kLinear, 50, 5}},
      {"softmax_10", ActivationOp{ActivationKind::kSoftmax, 10, 10}},
      {"softmax_rows", ActivationOp{ActivationKind::kSoftmax, 51, 17}},
      {"softmax_one", ActivationOp{ActivationKind::kSoftmax, 4, 1}},
  };
}

double tolerance(Dtype dtype) { return dtype == Dtype::kFloat32 ? 1e-4 : 2e-2; }

BuildOptions training_options(std::int64_t batch, Dtype dtype) {
  BuildOptions options;
  options.batch = batch;
  options.training = true;
  options.dtype = dtype;
  return options;
}

class OnednnOperator : public ::testing::TestWithParam<Case> {
 protected:
  /// Compares with the reference in both types, at batches 1 and 7, with the stored layouts that `layouts` gives.
  template <class Layouts>
  static void compare(const Layouts& layouts, bool training = true, bool needs_input_grad = true, int threads = 1) {
    const ThreadScope scope(threads);
    const Op& op = GetParam().op;
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      for (const std::int64_t batch : {1, 7}) {
        BuildOptions options = training_options(batch, dtype);
        options.training = training;
        options.needs_input_grad = needs_input_grad;
        options.stored_layouts = layouts(op, dtype);
        const auto tested = make_operator(op, options);
        SCOPED_TRACE(tested->implementation() + ", batch " + std::to_string(batch));
        if (!options.stored_layouts.empty()) {
          EXPECT_EQ(tested->weight_layouts(), options.stored_layouts);
        }
        const OperatorData data = random_operands(op, batch);
        expect_close(run_operator(*tested, op, options, data), run_reference(op, options, data), tolerance(dtype));
      }
    }
  }
};

std::vector<WeightLayout> own_layouts(const Op& /*op*/, Dtype /*dtype*/) { return {}; }

std::vector<WeightLayout> layouts_of_batch_64(const Op& op, Dtype dtype) {
  return make_operator(op, training_options(64, dtype))->weight_layouts();
}

std::vector<WeightLayout> plain_layouts(const Op& op, Dtype /*dtype*/) {
  std::vector<WeightLayout> layouts;
  for (const auto& shape : describe(op).weights) {
    layouts.push_back(WeightLayout::plain(shape));
  }
  return layouts;
}

/// Blocks of 64 outputs with pairs of inputs innermost, as bfloat16 products on other CPUs want them: padded, and
/// nothing that float kernels compute with.
std::vector<WeightLayout> layouts_of_bfloat16_cpu(const Op& op, Dtype /*dtype*/) {
  using dnnl::memory;
  std::vector<WeightLayout> layouts;
  for (const auto& shape : describe(op).weights) {
    if (shape.size() == 1) {
      layouts.push_back(WeightLayout::plain(shape));
    } else if (shape.size() == 2) {
      layouts.push_back(layout_from(
          MemoryDesc({shape[1], shape[0]}, memory::data_type::bf16, memory::format_tag::AB16b64a2b), shape));
    } else {
      layouts.push_back(layout_from(MemoryDesc({shape[3], shape[2], shape[0], shape[1]}, memory::data_type::bf16,
                                               memory::format_tag::ABcd8b16a2b),
                                    shape));
    }
  }
  return layouts;
}

TEST_P(OnednnOperator, AgreesWithReference) { compare(own_layouts, true, true, 2); }

TEST_P(OnednnOperator, AgreesWithLayoutsOfAnotherBatch) { compare(layouts_of_batch_64); }

TEST_P(OnednnOperator, AgreesWithPlainLayouts) { compare(plain_layouts); }

TEST_P(OnednnOperator, AgreesWithLayoutsOfAnotherCpu) { compare(layouts_of_bfloat16_cpu, true, true, 2); }

TEST_P(OnednnOperator, AgreesInEvaluation) { compare(layouts_of_batch_64, false); }

TEST_P(OnednnOperator, AgreesWithoutInputGradient) { compare(own_layouts, true, false); }

TEST_P(OnednnOperator, GivesTheSameBitsAgain) {
  const ThreadScope scope(2);
  const Op& op = GetParam().op;
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    const BuildOptions options = training_options(7, dtype);
    const OperatorData data = random_operands(op, 7);
    const auto first = make_operator(op, options);
    OperatorHarness harness(*first, op, options, data);
    const OperatorResult once = harness.run();
    EXPECT_TRUE(harness.run() == once) << "run again";
    const auto second = make_operator(op, options);
    EXPECT_TRUE(run_operator(*second, op, options, data) == once) << "made again";
  }
}

TEST_P(OnednnOperator, LayoutsPackAndUnpack) {
  for (const auto& layouts :
       {layouts_of_batch_64(GetParam().op, Dtype::kFloat32), layouts_of_bfloat16_cpu(GetParam().op, Dtype::kFloat32)}) {
    for (const auto& layout : layouts) {
      const auto plain = random_numbers(layout.size(), 3);
      std::vector<float> packed(static_cast<std::size_t>(layout.packed_size()), 9.0F);
      layout.pack(plain, packed);
      const auto zeros = std::ranges::count(packed, 0.0F) - std::ranges::count(plain, 0.0F);
      EXPECT_EQ(zeros, layout.packed_size() - layout.size()) << "padding holds zeros";
      std::vector<float> again(plain.size());
      layout.unpack(packed, again);
      EXPECT_EQ(again, plain);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, OnednnOperator, ::testing::ValuesIn(cases()),
                         [](const auto& tested) { return tested.param.name; });

/// The message of the Error that `work` throws.
template <class Work>
std::string message_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    return error.what();
  }
  return "nothing thrown";
}

TEST(Gelu, KeepsItsInputInTraining) {
  const ActivationOp op{ActivationKind::kGelu, 8, 8};
  BuildOptions options = training_options(1, Dtype::kFloat32);
  EXPECT_TRUE(make_operator(op, options)->backward_reads_inputs());
  options.training = false;
  EXPECT_FALSE(make_operator(op, options)->backward_reads_inputs());
}

TEST(OnednnPool, FirstOfEqualMaximaGetsTheGradient) {
  const Op op = pool(Pool2DOp::Kind::kMax, {1, 2, 2, {2, 2}, {2, 2}, false});
  const BuildOptions options = training_options(1, Dtype::kFloat32);
  const auto tested = make_operator(op, options);
  const OperatorData data{{{1.0F, 5.0F, 5.0F, 5.0F}}, {}, {2.0F}};
  const OperatorResult result = run_operator(*tested, op, options, data);
  EXPECT_EQ(result.output, std::vector<float>{5.0F});
  EXPECT_EQ(result.input_grads[0], (std::vector<float>{0.0F, 2.0F, 0.0F, 0.0F}));
}

TEST(OnednnPool, MeansDoNotCountPadding) {
  const Op op = pool(Pool2DOp::Kind::kAverage, {1, 3, 1, {2, 1}, {2, 1}, true});
  const BuildOptions options = training_options(1, Dtype::kFloat32);
  const auto tested = make_operator(op, options);
  const OperatorData data{{{1.0F, 2.0F, 8.0F}}, {}, {2.0F, 3.0F}};
  const OperatorResult result = run_operator(*tested, op, options, data);
  EXPECT_EQ(result.output, (std::vector<float>{1.5F, 8.0F}));
  EXPECT_EQ(result.input_grads[0], (std::vector<float>{1.0F, 1.0F, 3.0F}));
}

TEST(OnednnDense, ComputesByHand) {
  const DenseOp op{1, 2, 2, true, kRelu};
  const BuildOptions options = training_options(1, Dtype::kFloat32);
  const auto tested = make_operator(op, options);
  // y = relu([1 2] [[1 -2] [3 -4]] + [0.5 1]) = relu([7.5 -9]); the second unit is dead.
  const OperatorData data{{{1.0F, 2.0F}}, {{1.0F, -2.0F, 3.0F, -4.0F}, {0.5F, 1.0F}}, {10.0F, 100.0F}};
  const OperatorResult result = run_operator(*tested, op, options, data);
  EXPECT_EQ(result.output, (std::vector<float>{7.5F, 0.0F}));
  EXPECT_EQ(result.input_grads[0], (std::vector<float>{10.0F, 30.0F}));
  EXPECT_EQ(result.weight_grads[0], (std::vector<float>{10.0F, 0.0F, 20.0F, 0.0F}));
  EXPECT_EQ(result.weight_grads[1], (std::vector<float>{10.0F, 0.0F}));
}

TEST(WeightLayout, PlainIsKerasOrder) {
  for (const auto& shape : {std::vector<std::int64_t>{5}, {3, 4}, {2, 3, 4, 5}}) {
    const WeightLayout layout = WeightLayout::plain(shape);
    EXPECT_EQ(layout.shape(), shape);
    EXPECT_EQ(layout.packed_size(), layout.size());
    const auto plain = random_numbers(layout.size(), 1);
    std::vector<float> packed(plain.size());
    layout.pack(plain, packed);
    EXPECT_EQ(packed, plain);
    EXPECT_EQ(layout, WeightLayout::plain(shape));
  }
  EXPECT_FALSE(WeightLayout::plain({2, 3}) == WeightLayout::plain({3, 2}));
}

TEST(WeightLayout, PacksAsItsBlocksSay) {
  // Dense [in 3, out 2] in oneDNN's order (out, in): one block of 8 outputs by 4 inputs, inputs innermost.
  const WeightLayout layout =
      layout_from(MemoryDesc({2, 3}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::AB8a4b), {3, 2});
  ASSERT_EQ(layout.packed_size(), 32);
  std::vector<float> packed(32, 9.0F);
  layout.pack(std::vector<float>{1, 2, 3, 4, 5, 6}, packed);
  std::vector<float> expected(32);
  std::ranges::copy(std::vector<float>{1, 3, 5, 0, 2, 4, 6, 0}, expected.begin());
  EXPECT_EQ(packed, expected);
}

TEST(WeightLayout, SaysWhatDoesNotFit) {
  EXPECT_EQ(message_of([] {
              static_cast<void>(WeightLayout::plain({1, 2, 3}));
            }),
            "weights: a weight has 1, 2 or 4 dimensions\n  shape  [1, 2, 3]");
  std::vector<float> numbers(5);
  EXPECT_EQ(message_of([&] {
              WeightLayout::plain({2, 3}).pack(numbers, numbers);
            }),
            "weights: lengths do not fit the layout\n  shape  [2, 3]        plain  5, not 6        packed  5, not 6");
}

TEST(MakeOperator, SaysWhatCannotBeMade) {
  EXPECT_EQ(message_of([] {
              static_cast<void>(make_operator(DenseOp{1, 2, 3, true, ActivationKind::kTanh}, {}));
            }),
            "dense: only linear and relu are fused\n  activation  3");
  BuildOptions stored;
  stored.stored_layouts = {WeightLayout::plain({4, 3}), WeightLayout::plain({3})};
  EXPECT_EQ(message_of([&] {
              static_cast<void>(make_operator(DenseOp{1, 2, 3, true, kLinear}, stored));
            }),
            "dense: stored layouts of other weights\n  shapes  [[4, 3], [3]], not [[2, 3], [3]]");
  EXPECT_EQ(
      message_of([] { static_cast<void>(make_operator(ReshapeOp{4}, {})); }),
      "reshape: there is no operator for this\n  batch  1        type  float32        library  " + onednn_version());
}

TEST(MakeOperator, KeepsOneDnnErrorsInItsOwn) {
  // The window does not fit: oneDNN refuses the sizes.
  Conv2DOp op;
  op.in = Shape::image(1, 2, 2);
  op.out = Shape::image(1, 5, 5);
  op.kernel = {3, 3};
  op.strides = {1, 1};
  const std::string message = message_of([&] { static_cast<void>(make_operator(op, {})); });
  EXPECT_TRUE(message.starts_with("conv2d: oneDNN: could not create a descriptor")) << message;
  EXPECT_NE(message.find("status  invalid_arguments"), std::string::npos) << message;
}

TEST(Cpu, IsDescribed) {
  EXPECT_FALSE(cpu().model.empty());
  EXPECT_FALSE(cpu().isa.empty());
  EXPECT_EQ(cpu().fast_bfloat16,
            cpu().isa.find("bf16") != std::string::npos || cpu().isa.find("amx") != std::string::npos);
  EXPECT_TRUE(onednn_version().starts_with("oneDNN "));
}

}  // namespace
}  // namespace lapel::kernels
