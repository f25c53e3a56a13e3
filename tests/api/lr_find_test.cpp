#include "lapel/lr_find.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "formats/picture.h"
#include "support/temp_folder.h"
#include "support/tiny.h"

namespace lapel {
namespace {

Recipe tiny_recipe() {
  Recipe recipe;
  recipe.name = "tiny";
  recipe.layers = {test::layer("Flatten"), test::layer("Dense", {{"units", std::int64_t{4}}})};
  recipe.train.batch_size = 8;
  recipe.train.schedule = {"OneCycle", {}, {}};
  return recipe;
}

LrFindResult sample() {
  LrFindResult result{"tiny", {}, true, 1e-3, 1e-2};
  for (int i = 0; i < 30; ++i) {
    const double loss = i < 25 ? 2 - 0.05 * i : 0.75 + (i - 25);
    result.points.push_back({std::pow(10.0, -5 + 0.2 * i), loss, loss});
  }
  return result;
}

TEST(LrFindApi, SuggestsForARecipe) {
  const auto result = find_learning_rate(tiny_recipe(), test::tiny_data(60, 0));
  EXPECT_EQ(result.name, "tiny");
  EXPECT_GE(result.points.size(), 20U);
  EXPECT_GT(result.steepest, 0);
  EXPECT_GT(result.minimum_tenth, 0);
}

TEST(LrFindApi, TextHasAtMost25RowsAndTheSuggestions) {
  const std::string text = to_text(sample());
  EXPECT_TRUE(
      text.starts_with("+--------+-----------------+--------+------------+\n"
                       "|   step |   learning rate |   loss |   smoothed |\n"
                       "+========+=================+========+============+\n"
                       "|      1 |        1.00e-05 | 2.0000 |     2.0000 |\n"
                       "+--------+-----------------+--------+------------+\n"))
      << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3 + 2 * 15 + 3);
  EXPECT_NE(
      text.find("\nThe loss diverged after 30 steps.\nSuggestions: 1.00e-03 where the loss falls fastest, 1.00e-02 "
                "a tenth of where it is lowest\n"),
      std::string::npos)
      << text;
}

TEST(LrFindApi, JsonHasEveryPoint) {
  LrFindResult result = sample();
  result.points.resize(1);
  EXPECT_EQ(to_json(result), R"json({
  "name": "tiny",
  "steepest": 0.001,
  "minimum_tenth": 0.01,
  "diverged": true,
  "points": [
    {
      "learning_rate": 1e-05,
      "loss": 2.0,
      "smoothed": 2.0
    }
  ]
}
)json");
}

TEST(LrFindApi, IsDrawn) {
  const testing::TempFolder folder;
  draw_lr_find(sample(), folder.path() / "lr.png");
  const auto picture = formats::with_channels(formats::read_picture_file(folder.path() / "lr.png"), 1);
  EXPECT_EQ(picture.width, 820);
  EXPECT_GT(std::count_if(picture.pixels.begin(), picture.pixels.end(), [](auto pixel) { return pixel < 128; }), 300);
}

}  // namespace
}  // namespace lapel
