#include <gtest/gtest.h>

#include <ostream>
#include <vector>

#include "base/threads.h"
#include "kernels/conv/conv_op.h"
#include "kernels/conv/gradient.h"
#include "kernels/conv/tiles.h"
#include "kernels/each_target.h"
#include "kernels/onednn/layout.h"
#include "kernels/operator_harness.h"

namespace lapel::kernels {
namespace {

using testing::conv;
using testing::expect_close;
using testing::GuardedMemory;
using testing::OperatorData;
using testing::random_operands;

std::vector<Conv2DOp> cases() {
  return {
      conv(1, 9, 9, 32, {3, 3}),                          // odd number of columns, nine rows of sums
      conv(1, 28, 28, 16, {5, 5}, {1, 1}, {2, 2, 2, 2}),  // padded
      conv(3, 8, 10, 48, {3, 3}, {1, 1}, {1, 1, 1, 1}),   // 48 channels: three vectors
      conv(2, 7, 6, 64, {2, 3}, {2, 2}, {0, 1, 1, 1}),    // strides, uneven padding
      conv(7, 6, 5, 80, {3, 2}, {1, 2}),                  // rows that no tile divides
      conv(32, 7, 7, 64, {3, 3}, {1, 1}, {1, 1, 1, 1}),   // several pictures at a time
      conv(16, 6, 6, 128, {1, 1}),                        // no window
      conv(16, 9, 9, 16, {1, 1}, {3, 3}),                 // gaps
      conv(8, 3, 3, 32, {3, 3}),                          // one place
      conv(4, 4, 4, 32, {4, 4}, {1, 1}, {3, 3, 3, 3}),    // more padding than picture
      conv(8, 2, 4, 32, {5, 3}, {2, 1}, {4, 1, 4, 1}),    // lines of the window that no picture meets
      conv(5, 6, 3, 16, {1, 2}, {1, 3}, {0, 2, 0, 2}),    // strides as wide as the picture
      conv(16, 9, 9, 16, {3, 3}, {1, 1}, {1, 1, 1, 1}),   // the window's columns as outputs
      conv(40, 7, 8, 16, {3, 5}, {2, 1}, {0, 3, 1, 1}),   // the same, uneven
      conv(8, 5, 6, 16, {2, 3}),                          // the same, no zeros
      conv(9, 4, 4, 16, {3, 4}, {1, 1}, {2, 0, 0, 0}),    // the same, four columns: four vectors
  };
}

/// Of 16 outputs by pairs of inputs, as bfloat16 products want weights.
WeightLayout paired_layout(const std::vector<std::int64_t>& shape) {
  return layout_from(MemoryDesc({shape[3], shape[2], shape[0], shape[1]}, dnnl::memory::data_type::bf16,
                                dnnl::memory::format_tag::ABcd8b16a2b),
                     shape);
}

std::vector<WeightLayout> layouts_for(const Conv2DOp& op) {
  const auto shape = describe(op).weights.front();
  const MemoryDesc blocked({shape[3], shape[2], shape[0], shape[1]}, dnnl::memory::data_type::f32,
                           dnnl::memory::format_tag::Acdb16a);
  return {WeightLayout::plain(shape), layout_from(blocked, shape), paired_layout(shape)};
}

struct Gradients {
  std::vector<float> kernel;
  std::vector<float> bias;
  bool operator==(const Gradients&) const = default;
};

Gradients run(const Conv2DOp& op, Dtype dtype, std::int64_t batch, const OperatorData& data,
              const WeightLayout& layout) {
  const ConvGradient tested(op, dtype, batch, layout);
  const std::size_t width = dtype_bytes(dtype);
  GuardedMemory input(data.inputs[0].size() * width);
  GuardedMemory output_grad(data.output_grad.size() * width);
  GuardedMemory kernel_grad(static_cast<std::size_t>(layout.packed_size()) * sizeof(float));
  GuardedMemory bias_grad(static_cast<std::size_t>(op.out.channels) * sizeof(float));
  GuardedMemory scratch(tested.scratch_bytes());
  input.write(data.inputs[0], dtype);
  output_grad.write(data.output_grad, dtype);
  tested.run(input.data(), output_grad.data(), static_cast<float*>(kernel_grad.data()),
             static_cast<float*>(op.bias ? bias_grad.data() : nullptr), scratch.data());
  for (const auto* memory : {&input, &output_grad, &kernel_grad, &bias_grad, &scratch}) {
    EXPECT_TRUE(memory->guard_holds());
  }
  const auto packed = kernel_grad.read(Dtype::kFloat32);
  Gradients result{std::vector<float>(static_cast<std::size_t>(layout.size())), {}};
  layout.unpack(packed, result.kernel);
  std::vector<float> again(packed.size());
  layout.pack(result.kernel, again);
  EXPECT_EQ(packed, again) << "the padding is not zero";
  if (op.bias) {
    result.bias = bias_grad.read(Dtype::kFloat32);
  }
  return result;
}

/// Both types, 1 to 3 threads, three layouts of weights, against the plain convolution.
void compare(Dtype dtype, double tolerance) {
  for (Conv2DOp op : cases()) {
    for (const std::int64_t batch : {1, 5, 8}) {
      op.bias = batch != 5;
      SCOPED_TRACE(::testing::Message() << op.in.channels << " to " << op.out.channels << " channels, kernel "
                                        << op.kernel[0] << "x" << op.kernel[1] << ", batch " << batch);
      const OperatorData data = random_operands(op, batch);
      BuildOptions options;
      options.batch = batch;
      options.training = true;
      options.dtype = dtype;
      const auto expected = testing::run_reference(op, options, data);
      for (const int threads : {1, 2, 3}) {
        const ThreadScope scope(threads);
        std::vector<Gradients> results;
        for (const auto& layout : layouts_for(op)) {
          results.push_back(run(op, dtype, batch, data, layout));
          EXPECT_EQ(results.back(), results.front()) << "another layout";
        }
        EXPECT_EQ(run(op, dtype, batch, data, layouts_for(op).front()), results.front()) << "again";
        expect_close(results.front().kernel, expected.weight_grads[0], tolerance, "kernel");
        if (op.bias) {
          expect_close(results.front().bias, expected.weight_grads[1], tolerance, "bias");
        }
      }
    }
  }
}

class ConvGradientFloat : public testing::EachTarget {};

TEST_P(ConvGradientFloat, AgreesWithReference) { compare(Dtype::kFloat32, 1e-5); }

INSTANTIATE_TEST_SUITE_P(All, ConvGradientFloat, testing::all_targets(), testing::target_name());

TEST(ConvGradientBfloat16, AgreesWithReference) {
  if (!cpu().fast_bfloat16) {
    GTEST_SKIP() << "this CPU has no bfloat16 products";
  }
  compare(Dtype::kBfloat16, 1e-4);
}

TEST(ConvGradient, PaysByRule) {
  const Cpu avx2{"", "avx2", false};
  const Cpu avx512_bf16{"", "avx512_core_bf16", true};
  const Cpu amx{"", "avx512_core_amx", true};
  const Conv2DOp op = conv(32, 13, 13, 64, {3, 3});
  EXPECT_TRUE(ConvGradient::is_supported(op, Dtype::kFloat32, avx2));
  EXPECT_TRUE(ConvGradient::is_supported(op, Dtype::kFloat32, amx));
  EXPECT_TRUE(ConvGradient::is_supported(op, Dtype::kBfloat16, avx512_bf16));
  EXPECT_FALSE(ConvGradient::is_supported(op, Dtype::kBfloat16, avx2));
  EXPECT_FALSE(ConvGradient::is_supported(op, Dtype::kBfloat16, amx));
  EXPECT_FALSE(ConvGradient::is_supported(conv(32, 13, 13, 60, {3, 3}), Dtype::kFloat32, avx512_bf16))
      << "no whole vectors";
  EXPECT_FALSE(ConvGradient::is_supported(conv(32, 13, 13, 16, {3, 3}), Dtype::kFloat32, avx512_bf16)) << "one vector";
  EXPECT_TRUE(ConvGradient::is_supported(conv(32, 13, 13, 16, {3, 3}), Dtype::kBfloat16, avx512_bf16)) << "three";
  EXPECT_FALSE(ConvGradient::is_supported(conv(32, 13, 13, 16, {3, 3}, {1, 2}), Dtype::kBfloat16, avx512_bf16))
      << "gaps";
  EXPECT_TRUE(ConvGradient::is_supported(conv(1, 13, 13, 16, {3, 3}), Dtype::kFloat32, avx512_bf16));
  EXPECT_FALSE(ConvGradient::is_supported(conv(32, 13, 13, 64, {1, 1}), Dtype::kFloat32, avx512_bf16)) << "no window";
  EXPECT_TRUE(
      ConvGradient::is_supported(conv(32, 28, 28, 32, {3, 3}, {1, 1}, {1, 1, 1, 1}), Dtype::kFloat32, avx512_bf16));
  const Conv2DOp small = conv(64, 14, 14, 64, {3, 3}, {1, 1}, {1, 1, 1, 1});
  EXPECT_FALSE(ConvGradient::is_supported(small, Dtype::kFloat32, avx512_bf16))
      << "zeros at the edges of small pictures";
  EXPECT_TRUE(ConvGradient::is_supported(small, Dtype::kBfloat16, avx512_bf16));
  EXPECT_FALSE(ConvGradient::is_supported(conv(512, 7, 7, 512, {3, 3}), Dtype::kFloat32, avx512_bf16))
      << "sums too large";
}

TEST(ConvTiles, PairsHoldTheFirstBelow) {
  const std::vector<std::uint16_t> a(37, 0x1234);
  const std::vector<std::uint16_t> b(37, 0xABCD);
  std::vector<std::uint32_t> to(37);
  pair_bfloat16(a.data(), b.data(), to.data(), 37);
  EXPECT_EQ(to, std::vector<std::uint32_t>(37, 0xABCD1234));
  pair_bfloat16(a.data(), nullptr, to.data(), 37);
  EXPECT_EQ(to, std::vector<std::uint32_t>(37, 0x1234));
  pair_bfloat16(nullptr, b.data(), to.data(), 37);
  EXPECT_EQ(to, std::vector<std::uint32_t>(37, 0xABCD0000));
}

}  // namespace
}  // namespace lapel::kernels
