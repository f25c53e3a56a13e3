#include "kernels/elementwise/relu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/threads.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"
#include "kernels/reference/reference.h"

namespace lapel::kernels {
namespace {

class Relu : public testing::EachTarget {};

/// Numbers of both signs with zeros, infinities and a NaN among them.
std::vector<float> outputs(std::int64_t count) {
  auto numbers = testing::random_numbers(count, 1);
  const float infinity = std::numeric_limits<float>::infinity();
  const float special[] = {0.0F, -0.0F, infinity, -infinity, std::numeric_limits<float>::quiet_NaN()};
  for (std::size_t i = 0; i < numbers.size(); i += 3) {
    numbers[i] = special[i / 3 % std::size(special)];
  }
  return numbers;
}

TEST_P(Relu, BackwardIsExact) {
  for (const int threads : {1, 2}) {
    const ThreadScope scope(threads);
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      for (const std::int64_t count : {1, 31, 100, 65537}) {
        const std::size_t bytes = static_cast<std::size_t>(count) * dtype_bytes(dtype);
        testing::GuardedMemory output(bytes);
        testing::GuardedMemory grad(bytes);
        testing::GuardedMemory expected(bytes);
        output.write(outputs(count), dtype);
        grad.write(testing::random_numbers(count, 2), dtype);
        reference_relu_backward(dtype, {output.data(), grad.data(), expected.data()}, count);
        relu_backward(dtype, {output.data(), grad.data(), grad.data()}, count);
        EXPECT_EQ(grad.read(dtype), expected.read(dtype)) << count;
        EXPECT_TRUE(grad.guard_holds());
      }
    }
  }
}

TEST_P(Relu, PassesWhatIsAboveZero) {
  const std::vector<float> output{-1, 0, 2, std::numeric_limits<float>::quiet_NaN(), 3};
  const std::vector<float> grad{1, 2, 3, 4, 5};
  std::vector<float> to(5);
  relu_backward(Dtype::kFloat32, {output.data(), grad.data(), to.data()}, 5);
  EXPECT_EQ(to, (std::vector<float>{0, 0, 3, 0, 5}));
}

INSTANTIATE_TEST_SUITE_P(All, Relu, testing::all_targets(), testing::target_name());

}  // namespace
}  // namespace lapel::kernels
