// Test-time augmentation: what views show, and the mean of the answers.

#include "model/views.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/threads.h"
#include "lapel/error.h"
#include "plan/network.h"
#include "plan/show.h"
#include "support/tiny.h"

namespace lapel::plan {
namespace {

using Pixels = std::vector<std::uint8_t>;

Pixels shown(const model::View& view, const Shape& picture, const Pixels& from) {
  Pixels to(from.size(), 99);
  show(view, picture, from, to);
  return to;
}

TEST(Views, ShowPicturesByHand) {
  const Shape grey = Shape::image(1, 2, 3);
  const Pixels two{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16};
  EXPECT_EQ(shown({}, grey, two), two);
  EXPECT_EQ(shown({true, 0, 0, 1}, grey, two), (Pixels{3, 2, 1, 6, 5, 4, 13, 12, 11, 16, 15, 14}));
  EXPECT_EQ(shown({false, 1, 1, 1}, grey, two), (Pixels{1, 1, 2, 1, 1, 2, 11, 11, 12, 11, 11, 12}));
  EXPECT_EQ(shown({false, -1, -1, 1}, grey, two), (Pixels{5, 6, 6, 5, 6, 6, 15, 16, 16, 15, 16, 16}));
  EXPECT_EQ(shown({true, 0, 1, 1}, grey, two), (Pixels{3, 3, 2, 6, 6, 5, 13, 13, 12, 16, 16, 15}));
  EXPECT_EQ(shown({true, 0, 0, 1}, Shape::image(3, 1, 2), {1, 2, 3, 4, 5, 6}), (Pixels{4, 5, 6, 1, 2, 3}));
}

TEST(Views, HaveWeightsThatAddUpToOne) {
  EXPECT_EQ(model::views_of("none").size(), 1U);
  EXPECT_EQ(model::views_of("none").front(), model::View{});
  EXPECT_EQ(model::views_of("flip").size(), 2U);
  EXPECT_EQ(model::views_of("flip+shift").size(), 6U);
  for (const auto name : model::test_time_augmentations()) {
    float sum = 0;
    for (const auto& view : model::views_of(name)) {
      sum += view.weight;
    }
    EXPECT_EQ(sum, 1) << name;
  }
  EXPECT_THROW((void)model::views_of("spin"), Error);
}

/// Each view's probabilities, asked for on their own: the mean of logits is, up to a constant, that of logarithms.
TEST(Views, AreAveragedBeforeTheSoftmax) {
  const auto data = test::tiny_pictures(20, 8, 6, 1, 4);
  const Shape picture = Shape::image(1, 8, 6);
  Network network(model::Model("m", test::residual_layers(4), picture), {.threads = 2, .main_batch = 7});
  network.parameters().initialize(3);
  for (const auto name : model::test_time_augmentations()) {
    const auto views = model::views_of(name);
    std::vector<float> together(20 * 4);
    network.predict(views, picture, data.pictures.pixels.data(), 20, 7, together);
    std::vector<double> expected(together.size());
    for (const auto& view : views) {
      const Pixels seen = shown(view, picture, data.pictures.pixels);
      std::vector<float> alone(together.size());
      network.predict(seen.data(), 0, 20, 7, alone);
      for (std::size_t i = 0; i < alone.size(); ++i) {
        expected[i] += static_cast<double>(view.weight) * std::log(static_cast<double>(alone[i]));
      }
    }
    for (std::size_t row = 0; row < 20; ++row) {
      double sum = 0;
      for (std::size_t k = 0; k < 4; ++k) {
        sum += std::exp(expected[row * 4 + k]);
      }
      for (std::size_t k = 0; k < 4; ++k) {
        ASSERT_NEAR(together[row * 4 + k], std::exp(expected[row * 4 + k]) / sum, 1e-5) << name << " row " << row;
      }
    }
  }
}

}  // namespace
}  // namespace lapel::plan
