#include "train/weight_groups.h"

#include <gtest/gtest.h>

#include "plan/network.h"
#include "support/messages.h"
#include "support/tiny.h"
#include "train/optimizer.h"

namespace lapel::training {
namespace {

plan::Network network() {
  return plan::Network(
      model::Model(
          "m",
          {lapel::test::layer("Flatten"), lapel::test::layer("Dense", {{"units", std::int64_t{5}}}),
           lapel::test::layer("BatchNormalization"), lapel::test::layer("Dense", {{"units", std::int64_t{3}}})},
          Shape::image(1, 2, 2)),
      {kernels::Dtype::kFloat32, 1, 1.0F, 4, true});
}

TEST(WeightGroups, TheLastThatFitsCounts) {
  const auto made = network();
  const std::vector<WeightGroup> groups = {
      {"*/bias", 2, 0, true}, {"dense_1/*", 3, 0.5, false}, {"*/beta", 64, 0.25, true}};
  const auto of = groups_of(groups, made.parameters().entries());
  for (std::size_t i = 0; i < of.size(); ++i) {
    const std::string& name = made.parameters().entries()[i].name;
    const double expected = name.starts_with("dense_1/") ? 3
                            : name.ends_with("/bias")    ? 2
                            : name.ends_with("/beta")    ? 64
                                                         : 1;
    EXPECT_EQ(of[i].learning_rate, expected) << name;
    EXPECT_EQ(of[i].muon, !name.starts_with("dense_1/")) << name;
  }
}

/// Rate and decay of a group against the same step by hand: SGD, w -= lr f (g + decay d w).
TEST(WeightGroups, FactorsReachTheUpdate) {
  auto spec = TypedSpec{"SGD", {{"learning_rate", 0.1}, {"weight_decay", 0.5}}};
  const auto made = network();
  const auto optimizer = make_optimizer(spec);
  const std::vector<WeightGroup> groups = {{"*/beta", 64, 0.25, true}};
  WeightRules rules(*optimizer, groups, made.parameters().entries());
  const auto at = rules.at(0.05, 3);
  for (std::size_t i = 0; i < at.size(); ++i) {
    const bool beta = made.parameters().entries()[i].name.ends_with("/beta");
    std::vector<float> weight = {2};
    const std::vector<float> gradient = {3};
    at[i].apply({weight, gradient, {}, {}, {}});
    EXPECT_NEAR(weight[0], beta ? 2 - 0.05 * 64 * (3 + 0.5 * 0.25 * 2) : 2 - 0.05 * (3 + 0.5 * 2), 1e-5);
  }
}

TEST(WeightGroups, MuonTakesMatricesButThoseOfAGroupWithout) {
  const auto made = network();
  const auto optimizer = make_optimizer({"Muon", {{"learning_rate", 0.2}, {"sgd_learning_rate", 0.01}}});
  const std::vector<WeightGroup> groups = {{"dense_1/*", 1, 1, false}};
  WeightRules rules(*optimizer, groups, made.parameters().entries());
  const auto at = rules.at(0.1, 1);
  for (std::size_t i = 0; i < at.size(); ++i) {
    EXPECT_EQ(at[i].muon() != nullptr, made.parameters().entries()[i].name == "dense/kernel");
  }
  // Half of the schedule is half of both rates.
  std::vector<float> weight = {1};
  std::vector<float> momentum = {0};
  const std::vector<float> gradient = {1};
  at[1].apply({weight, gradient, momentum, {}, {}});
  EXPECT_NEAR(weight[0], 1 - 0.005 * 1.9, 1e-6);
}

TEST(WeightGroups, APatternThatFitsNothingIsAMistake) {
  const auto made = network();
  const std::vector<WeightGroup> groups = {{"*/moving_mean", 2, 0, true}};
  EXPECT_EQ(lapel::test::message_of([&] { return groups_of(groups, made.parameters().entries()); }),
            "train.groups: no weight fits \"*/moving_mean\"\n  weights  dense/kernel, dense/bias, "
            "batch_normalization/gamma, batch_normalization/beta, dense_1/kernel, dense_1/bias        try  match = "
            "\"*/bias\"");
}

}  // namespace
}  // namespace lapel::training
