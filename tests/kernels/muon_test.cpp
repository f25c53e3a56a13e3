#include "kernels/muon.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/threads.h"
#include "kernels/bfloat16.h"
#include "train/numbers.h"

namespace lapel::kernels {
namespace {

/// Follows the golden numbers of `key` for a kernel of this shape, with padding or without.
void follow(const std::string& key, const std::vector<std::int64_t>& shape, const MuonStep& step) {
  SCOPED_TRACE(key);
  const auto numbers = training::test::golden_numbers();
  const auto floats = [&](const std::string& name) {
    const auto& values = numbers.at(key + name);
    return std::vector<float>(values.begin(), values.end());
  };
  const WeightLayout layout = WeightLayout::plain(shape);
  MuonUpdate update(layout);
  auto weights = floats("/initial");
  std::vector<float> momentum(weights.size());
  std::vector<std::uint16_t> low(weights.size());
  for (int i = 1; i <= 5; ++i) {
    const auto grads = floats("/gradient/" + std::to_string(i));
    update.apply(step, {weights, grads, momentum, {}, low});
    const auto expected = floats("/kernel/" + std::to_string(i));
    for (std::size_t n = 0; n < weights.size(); ++n) {
      ASSERT_NEAR(weights[n], expected[n], 2e-5) << "step " << i;
      ASSERT_EQ(low[n], bfloat16_from_float(weights[n]));
    }
  }
}

TEST(Muon, EveryStepAsTheFormulasSay) {
  for (const int threads : {1, 2}) {
    const ThreadScope scope(threads);
    follow("muon-dense", {5, 9}, {.learning_rate = 0.1F, .momentum = 0.6F, .steps = 3});
    follow("muon-conv", {3, 3, 2, 4},
           {.learning_rate = 0.1F, .momentum = 0.9F, .nesterov = false, .weight_decay = 0.02F, .steps = 5});
    follow("muon-normalized", {3, 3, 2, 4}, {.learning_rate = 0.1F, .momentum = 0.6F, .steps = 3, .normalize = true});
  }
}

TEST(Muon, AWeightThatIsAllZeroIsNotDividedBy) {
  MuonUpdate update(WeightLayout::plain({2, 3}));
  std::vector<float> weights(6);
  std::vector<float> momentum(6);
  const std::vector<float> grads(6, 0.0F);
  update.apply({.normalize = true}, {weights, grads, momentum, {}, {}});
  EXPECT_EQ(weights, std::vector<float>(6, 0.0F));
}

}  // namespace
}  // namespace lapel::kernels
