// What mixed pictures make of the loss.

#include "kernels/augment/mixing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/threads.h"
#include "kernels/reference/reference.h"
#include "plan/network.h"
#include "support/tiny.h"

namespace lapel::plan {
namespace {

constexpr std::int64_t kBatch = 6;
constexpr std::int64_t kClasses = 4;
constexpr StepKey kKey{5, 2};

const LabeledPictures& pictures() {
  static const LabeledPictures kPictures = test::tiny_pictures(20, 8, 6, 1, kClasses);
  return kPictures;
}

std::vector<std::uint32_t> rows() { return {3, 7, 1, 12, 19, 4}; }

std::vector<LayerSpec> layers(const std::vector<std::string>& mixing) {
  std::vector<LayerSpec> specs;
  for (const auto& type : mixing) {
    specs.push_back(test::layer(type));
  }
  specs.push_back(test::layer("Flatten"));
  specs.push_back(test::layer("Dense", {{"units", kClasses}}));
  return specs;
}

/// The loss by its formula, from the plan's logits and from targets that its operators, on their own, mix.
double loss_by_hand(Plan& plan, const std::vector<kernels::Op>& mixing, double smoothing,
                    const std::vector<float>& class_weights, std::int64_t& correct) {
  const auto samples = rows();
  std::vector<float> logits(kBatch * kClasses);
  plan.logits({pictures().pictures.pixels.data(), pictures().labels, samples}, kKey, logits);
  std::vector<float> targets(logits.size());
  for (std::size_t row = 0; row < samples.size(); ++row) {
    targets[row * kClasses + pictures().labels[samples[row]]] = 1;
  }
  const kernels::StepState state{nullptr, samples, {}, kKey.seed, kKey.epoch, true};
  for (const auto& op : mixing) {
    std::vector<float> mixed(targets.size());
    kernels::mix_targets(op, state, kClasses, targets, mixed);
    targets = mixed;
  }
  double loss = 0;
  correct = 0;
  for (std::size_t row = 0; row < samples.size(); ++row) {
    const auto* const x = logits.data() + row * kClasses;
    const auto* const t = targets.data() + row * kClasses;
    const double sum = std::accumulate(x, x + kClasses, 0.0,
                                       [](double all, float one) { return all + std::exp(static_cast<double>(one)); });
    const double weight = std::inner_product(t, t + kClasses, class_weights.begin(), 0.0);
    for (std::size_t k = 0; k < kClasses; ++k) {
      const double target = static_cast<double>(t[k]) * (1 - smoothing) + smoothing / kClasses;
      loss -= weight * target * (static_cast<double>(x[k]) - std::log(sum));
    }
    correct += std::max_element(x, x + kClasses) - x == std::max_element(t, t + kClasses) - t ? 1 : 0;
  }
  return loss;
}

class MixedLoss : public testing::TestWithParam<bool> {};

TEST_P(MixedLoss, IsTheCrossEntropyWithMixedTargets) {
  const Shape picture = Shape::image(1, 8, 6);
  const kernels::Op mix_up = kernels::MixUpOp{48, 0.2, 0};
  const kernels::Op cut_mix = kernels::CutMixOp{picture, {0, 1}, 0};
  const kernels::Op cut_mix_after = kernels::CutMixOp{picture, {0, 1}, 1};
  struct Case {
    std::vector<std::string> types;
    std::vector<kernels::Op> ops;
  };
  for (const auto& [types, ops] :
       {Case{{"MixUp"}, {mix_up}}, Case{{"CutMix"}, {cut_mix}}, Case{{"MixUp", "CutMix"}, {mix_up, cut_mix_after}}}) {
    Network network(model::Model("m", layers(types), picture),
                    {kernels::Dtype::kFloat32, 2, 1.0F / 255.0F, kBatch, true, false,
                     GetParam() ? kernels::make_reference_operator : kernels::make_operator});
    network.parameters().initialize(3);
    const ThreadScope threads(2);
    auto& plan = network.plan(kBatch, true);
    const auto samples = rows();
    for (const std::vector<float>& class_weights : {std::vector<float>(kClasses, 1.0F), {0.5F, 3, 0, 1.25F}}) {
      std::int64_t correct = 0;
      const double expected = loss_by_hand(plan, ops, 0.1, class_weights, correct);
      for (const bool one_hot : {false, true}) {
        const auto result = plan.train_step({pictures().pictures.pixels.data(), pictures().labels, samples},
                                            {one_hot, 0.1F, class_weights}, kKey);
        EXPECT_NEAR(result.loss_sum, expected, 1e-4) << types.front();
        EXPECT_EQ(result.correct, correct) << types.front() << ": the class with the largest share is the right one";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, MixedLoss, testing::Bool(), [](const auto& one) { return one.param ? "Plain" : "Fast"; });

TEST(MixedPictures, AreNotMixedInEvaluation) {
  Network mixing(model::Model("m", layers({"MixUp", "CutMix"}), Shape::image(1, 8, 6)),
                 {.main_batch = kBatch, .training = true});
  Network plain(model::Model("m", layers({}), Shape::image(1, 8, 6)), {.main_batch = kBatch, .training = true});
  mixing.parameters().initialize(3);
  plain.parameters().initialize(3);
  const auto a = mixing.evaluate(pictures(), 0, 20, kBatch, {});
  const auto b = plain.evaluate(pictures(), 0, 20, kBatch, {});
  EXPECT_EQ(a.loss_sum, b.loss_sum);
  EXPECT_EQ(a.correct, b.correct);
}

}  // namespace
}  // namespace lapel::plan
