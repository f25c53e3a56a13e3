#include "kernels/elementwise/function.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "kernels/each_target.h"
#include "kernels/operator_harness.h"
#include "kernels/reference/reference.h"

/// Every function of the list.
namespace lapel::kernels {
namespace {

class Function : public testing::EachTarget {};

/// Numbers from -12 to 12, denser near 0, and the corners of functions that are made of pieces.
std::vector<float> numbers_around_zero() {
  std::vector<float> numbers = {0, -0.0F, 3, -3, 6, 1, -1, 1e-30F, -1e-30F};
  for (int i = -60; i <= 60; ++i) {
    const float root = 0.0577F * static_cast<float>(i);
    numbers.push_back(root * std::abs(root));
  }
  return numbers;
}

ElementwiseOp op_of(const ElementwiseFunction& function, std::size_t size) {
  return {function.name, function.parameters, static_cast<std::int64_t>(size)};
}

TEST_P(Function, IsThePlainOne) {
  for (const auto& function : elementwise_functions()) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      SCOPED_TRACE(::testing::Message() << function.name << ", bytes " << dtype_bytes(dtype));
      const std::vector<float> numbers = numbers_around_zero();
      testing::OperatorData data{{numbers}, {}, std::vector<float>(numbers.size(), 0.75F)};
      const Op op = op_of(function, numbers.size());
      const BuildOptions options{1, true, true, dtype, {}};
      const auto fast = testing::run_operator(*make_operator(op, options), op, options, data);
      const auto plain = testing::run_operator(*make_reference_operator(op, options), op, options, data);
      // A bfloat16 has 8 bits; what is computed before may be as rough.
      const float share = dtype == Dtype::kFloat32 ? 1e-5F : 1.0F / 128;
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        EXPECT_NEAR(fast.output[i], plain.output[i], share * (std::abs(plain.output[i]) + 0.1F)) << numbers[i];
        EXPECT_NEAR(fast.input_grads[0][i], plain.input_grads[0][i], share * (std::abs(plain.input_grads[0][i]) + 0.1F))
            << numbers[i];
      }
    }
  }
}

TEST_P(Function, FarNumbersStayFinite) {
  for (const auto& function : elementwise_functions()) {
    const std::vector<float> far = {-1e30F, -1e4F, -100, 100, 1e4F, 1e30F};
    const Op op = op_of(function, far.size());
    const BuildOptions options{1, true, true, Dtype::kFloat32, {}};
    const auto result = testing::run_operator(*make_operator(op, options), op, options,
                                              {{far}, {}, std::vector<float>(far.size(), 1.0F)});
    for (std::size_t i = 0; i < far.size(); ++i) {
      EXPECT_TRUE(std::isfinite(result.output[i])) << function.name << " of " << far[i];
      EXPECT_TRUE(std::isfinite(result.input_grads[0][i])) << function.name << " of " << far[i];
    }
  }
}

TEST_P(Function, ShowsNan) {
  for (const auto& function : elementwise_functions()) {
    const std::vector<float> none(20, std::numeric_limits<float>::quiet_NaN());
    const Op op = op_of(function, none.size());
    const BuildOptions options{1, false, false, Dtype::kFloat32, {}};
    const auto result = testing::run_operator(*make_operator(op, options), op, options, {{none}, {}, none});
    for (const float value : result.output) {
      EXPECT_TRUE(std::isnan(value)) << function.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Function, testing::all_targets(), testing::target_name());

TEST(Functions, SlopesAreDerivatives) {
  constexpr double kStep = 1e-5;
  for (const auto& function : elementwise_functions()) {
    const auto& parameters = function.parameters;
    for (double x = -7.0123; x < 7; x += 0.2507) {  // Meets no corner.
      const double difference =
          (function.value(x + kStep, parameters) - function.value(x - kStep, parameters)) / (2 * kStep);
      EXPECT_NEAR(function.slope(x, parameters), difference, 1e-8) << function.name << " at " << x;
    }
  }
}

TEST(Functions, HaveOneNameEach) {
  std::set<std::string_view> names;
  for (const auto& function : elementwise_functions()) {
    EXPECT_TRUE(names.insert(function.name).second) << function.name;
    EXPECT_TRUE(function.alias.empty() || names.insert(function.alias).second) << function.alias;
    EXPECT_EQ(&find_elementwise_function(function.name), &function);
  }
}

}  // namespace
}  // namespace lapel::kernels
