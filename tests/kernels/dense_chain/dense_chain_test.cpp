#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/threads.h"
#include "kernels/dense_chain/chains.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

using testing::chain;
using testing::expect_close;
using testing::on_pixels;
using testing::OperatorData;
using testing::OperatorResult;
using testing::Pixels;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;

constexpr auto kLinear = ActivationKind::kLinear;
constexpr auto kRelu = ActivationKind::kRelu;

OperatorResult run_fast(const DenseChainOp& op, const BuildOptions& options, const OperatorData& data,
                        const StepState& state, int threads) {
  const ThreadScope scope(threads);
  const auto tested = make_operator(op, options);
  EXPECT_EQ(tested->implementation().substr(0, 8), "highway:");
  return run_operator(*tested, op, options, data, state);
}

class DenseChain : public testing::EachTarget {
 protected:
  static void compare(const DenseChainOp& op, std::int64_t batch) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      for (const bool training : {true, false}) {
        for (const bool needs_input_grad : {true, false}) {
          SCOPED_TRACE(::testing::Message() << op.layers.size() << " layers, " << op.layers[0].rows << " rows of "
                                            << op.layers[0].in << ", batch " << batch << ", bytes "
                                            << dtype_bytes(dtype) << (training ? ", training" : ", evaluation"));
          const BuildOptions options{batch, training, needs_input_grad, dtype, {}};
          const OperatorData data = random_operands(op, batch);
          const Pixels pixels(batch, op.layers[0].rows);
          const OperatorResult alone = run_fast(op, options, data, pixels.state, 1);
          EXPECT_TRUE(alone == run_fast(op, options, data, pixels.state, 2)) << "other bits on two threads";
          expect_close(alone, run_reference(op, options, data, pixels.state), dtype == Dtype::kFloat32 ? 2e-5 : 2e-2);
        }
      }
    }
  }
};

TEST_P(DenseChain, OfOneLayer) {
  compare(chain(17, {1, 1}), 1);
  compare(chain(16, {3, 16}), 3);
  compare(chain(70, {64, 64}), 2);
  compare(chain(21, {13, 37}, kLinear, false), 2);
}

TEST_P(DenseChain, OfTwoLayers) {
  compare(chain(49, {1, 32, 32}), 3);
  compare(chain(49, {32, 32, 32}, kLinear), 3);
  compare(chain(33, {5, 7, 3}, kRelu, false), 2);
  compare(chain(33, {64, 48, 10}), 2);
}

TEST_P(DenseChain, OfFourLayers) {
  compare(chain(19, {4, 33, 1, 20, 6}), 3);
  DenseChainOp mixed = chain(19, {4, 33, 11, 20, 6}, kLinear);
  mixed.layers[1].activation = kLinear;
  mixed.layers[2].bias = false;
  compare(mixed, 3);
}

TEST_P(DenseChain, OfManyRowsIsSummedInParts) { compare(chain(784, {3, 5, 6}), 9); }

TEST_P(DenseChain, OnPixels) {
  compare(on_pixels(chain(49, {1, 32, 32})), 3);
  compare(on_pixels(chain(49, {1, 32, 32}, kLinear)), 1);
  compare(on_pixels(chain(16, {1, 7}, kRelu, false)), 5);
  compare(on_pixels(chain(18, {1, 3, 64, 9})), 4);
  compare(on_pixels(chain(784, {1, 5, 6})), 9);
}

TEST_P(DenseChain, ReadsWhatAnotherBatchStored) {
  const DenseChainOp op = chain(20, {2, 9, 4});
  const auto stored = make_operator(op, {1, true, true, Dtype::kFloat32, {}})->weight_layouts();
  const BuildOptions options{3, false, true, Dtype::kFloat32, stored};
  const OperatorData data = random_operands(op, 3);
  expect_close(run_fast(op, options, data, {}, 2), run_reference(op, options, data), 1e-5);
}

TEST_P(DenseChain, OfABatchBeyondTheCachesIsThatOfEachPicture) {
  const DenseChainOp op = on_pixels(chain(784, {1, 32}));
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    constexpr std::int64_t kPictures = 170;
    const OperatorData data = random_operands(op, 1);
    const Pixels many(kPictures, 784);
    const auto all = run_fast(op, {kPictures, false, true, dtype, {}}, data, many.state, 2).output;
    for (std::size_t row = 0; row < kPictures; ++row) {
      StepState one = many.state;
      one.samples = one.samples.subspan(row, 1);
      const auto single = run_fast(op, {1, false, true, dtype, {}}, data, one, 1).output;
      const auto size = static_cast<std::ptrdiff_t>(single.size());
      ASSERT_TRUE(std::equal(single.begin(), single.end(), all.begin() + static_cast<std::ptrdiff_t>(row) * size))
          << row;
    }
  }
}

TEST_P(DenseChain, KeepsANaN) {
  const DenseChainOp op = chain(16, {2, 4, 3});
  OperatorData data = random_operands(op, 1);
  data.inputs[0][5] = std::numeric_limits<float>::quiet_NaN();
  for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    const auto output = run_fast(op, {1, false, true, dtype, {}}, data, {}, 1).output;
    for (std::size_t i = 0; i < output.size(); ++i) {
      EXPECT_EQ(std::isnan(output[i]), i / 3 == 2) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, DenseChain, testing::all_targets(), testing::target_name());

std::string error_of(const DenseChainOp& op, const BuildOptions& options) {
  try {
    static_cast<void>(make_operator(op, options));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(DenseChainErrors, LayersThatDoNotFollowEachOther) {
  const std::string expected = "dense_chain: these layers do not make a chain\n  layers  2";
  DenseChainOp op = chain(16, {2, 4, 3});
  op.layers[1].in = 5;
  EXPECT_EQ(error_of(op, {}), expected);
  EXPECT_EQ(error_of(chain(16, {2, 65, 3}), {}), expected);
  EXPECT_EQ(error_of(on_pixels(chain(16, {2, 4, 3})), {}), expected);
}

TEST(DenseChainErrors, OtherLayoutsThanThePlainOne) {
  const auto stored =
      make_operator(DenseOp{1, 64, 64, true, kRelu}, {32, true, true, Dtype::kFloat32, {}})->weight_layouts();
  EXPECT_EQ(error_of(chain(16, {32, 64}), {1, false, true, Dtype::kFloat32, stored}),
            "dense_chain: the weights of a chain are stored in the plain order only");
}

}  // namespace
}  // namespace lapel::kernels
