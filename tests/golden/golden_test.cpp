#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "golden/comparison.h"
#include "golden/golden_case.h"

namespace lapel::golden {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) {
    text += line + "\n";
  }
  return text;
}

class Golden : public testing::TestWithParam<std::tuple<std::string, Engine>> {
 public:
  static std::string name(const testing::TestParamInfo<ParamType>& info) {
    const auto& [name, engine] = info.param;
    std::string text = fmt::format("{}_{}_{}", name, engine.reference ? "reference" : "fast", engine.threads);
    std::replace(text.begin(), text.end(), '-', '_');
    return text;
  }
};

class GoldenFloat32 : public Golden {};
class GoldenBfloat16 : public Golden {};

TEST_P(GoldenFloat32, TrainsAsKerasDoes) {
  const auto& [name, engine] = GetParam();
  EXPECT_EQ(joined(compare_training(read_case(name), engine)), "");
}

TEST_P(GoldenBfloat16, IsNearKeras) {
  const auto& [name, engine] = GetParam();
  EXPECT_EQ(joined(compare_first_step_in_bfloat16(read_case(name), engine)), "");
}

constexpr auto kFloat32 = kernels::Dtype::kFloat32;
constexpr auto kBfloat16 = kernels::Dtype::kBfloat16;

INSTANTIATE_TEST_SUITE_P(Cases, GoldenFloat32,
                         testing::Combine(testing::ValuesIn(case_names()),
                                          testing::Values(Engine{kFloat32, false, 1}, Engine{kFloat32, false, 2},
                                                          Engine{kFloat32, true, 1}, Engine{kFloat32, true, 2})),
                         Golden::name);
INSTANTIATE_TEST_SUITE_P(Cases, GoldenBfloat16,
                         testing::Combine(testing::ValuesIn(case_names()),
                                          testing::Values(Engine{kBfloat16, false, 2}, Engine{kBfloat16, true, 1})),
                         Golden::name);

TEST(GoldenCases, AreAllThere) {
  const auto names = case_names();
  EXPECT_GE(names.size(), 70U);
  for (const std::string name : {"study-mlp-512", "study-mlp-300-100", "study-cnn-5408", "study-dense-on-pixels",
                                 "study-cnn", "study-dnn", "dropout-mask", "optimizer-adam", "add-residual"}) {
    EXPECT_TRUE(std::binary_search(names.begin(), names.end(), name)) << name;
  }
}

TEST(GoldenCases, FiftyStepsWithAPartialLastBatch) {
  for (const auto& name : case_names()) {
    const auto golden = read_case(name);
    if (name.starts_with("optimizer-") || name.starts_with("loss-") || name.starts_with("study-")) {
      EXPECT_EQ(golden.tensor("losses").size(), 50U) << name;
    }
    EXPECT_NE(golden.pictures.pictures.count % golden.recipe.train.batch_size, 0) << name;
  }
}

// Faults planted in what Lapel is told, each of which the comparison must see.

std::string first_difference(const GoldenCase& golden) {
  const auto lines = compare_training(golden, {});
  return lines.empty() ? "" : lines.front().substr(0, lines.front().find(':'));
}

TEST(PlantedFault, WrongEpsilon) {
  auto golden = read_case("optimizer-adam");
  golden.recipe.train.optimizer.options["epsilon"] = 1e-5;
  EXPECT_EQ(first_difference(golden), "case 'optimizer-adam', losses");
}

TEST(PlantedFault, WrongMomentum) {
  auto golden = read_case("optimizer-sgd-nesterov");
  golden.recipe.train.optimizer.options["nesterov"] = false;
  EXPECT_EQ(first_difference(golden), "case 'optimizer-sgd-nesterov', losses");
}

TEST(PlantedFault, WrongLossOptions) {
  auto golden = read_case("loss-smoothing");
  golden.recipe.train.loss.options["label_smoothing"] = 0.1001;
  EXPECT_EQ(first_difference(golden), "case 'loss-smoothing', first loss");
}

TEST(PlantedFault, WrongClassWeight) {
  auto golden = read_case("loss-categorical-class-weight");
  golden.recipe.train.class_weight.by_name["class 0"] = 2.501;
  EXPECT_EQ(first_difference(golden), "case 'loss-categorical-class-weight', first loss");
}

TEST(PlantedFault, WrongWeight) {
  auto golden = read_case("conv2d-3-same-2");
  golden.tensors["weight/conv2d/kernel"][7] += 0.01F;
  EXPECT_EQ(first_difference(golden), "case 'conv2d-3-same-2', probabilities");
}

TEST(PlantedFault, WrongGradient) {
  auto golden = read_case("add-residual");
  auto& gradient = golden.tensors["gradient/stem/kernel"];
  gradient[3] += 2e-4F * std::abs(*std::max_element(gradient.begin(), gradient.end(),
                                                    [](float a, float b) { return std::abs(a) < std::abs(b); }));
  EXPECT_EQ(first_difference(golden), "case 'add-residual', gradient/stem/kernel");
}

TEST(PlantedFault, Shuffled) {
  auto golden = read_case("study-mlp-300-100");
  golden.recipe.train.shuffle = true;
  EXPECT_EQ(first_difference(golden), "case 'study-mlp-300-100', losses");
}

TEST(Difference, NamesTensorAndNumbers) {
  const std::vector<float> keras = {1, 2, -4};
  EXPECT_EQ(difference("t", keras, keras, {}), std::nullopt);
  EXPECT_EQ(difference("t", std::vector<float>{1, 2.25F, -4.25F}, keras, {.relative = 0.0625, .absolute = 0}),
            "t: number 1 of 3 is 2.25, Keras has 2: 0.25 apart, 0.12 allowed");
  EXPECT_EQ(difference("t", std::vector<float>{1, 2}, keras, {}), "t: 2 numbers, Keras has 3");
  EXPECT_EQ(difference("t", std::vector<float>{1, 2, NAN}, keras, {.absolute = 1}),
            "t: number 2 of 3 is nan, Keras has -4: nan apart, 1 allowed");
}

TEST(Difference, OfNorms) {
  const std::vector<float> keras = {3, -4};
  EXPECT_EQ(norm_difference("t", std::vector<float>{3.25F, -4}, keras, 0.05), std::nullopt);
  EXPECT_EQ(norm_difference("t", std::vector<float>{3.5F, -4}, keras, 0.05),
            "t: 0.1 of its norm 5 apart, 0.05 allowed");
  EXPECT_EQ(norm_difference("t", std::vector<float>{NAN, -4}, keras, 0.05), "t: nan of its norm 5 apart, 0.05 allowed");
}

}  // namespace
}  // namespace lapel::golden
