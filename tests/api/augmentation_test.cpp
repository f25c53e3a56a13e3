#include "lapel/augmentation.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "lapel/plot.h"
#include "lapel/train.h"
#include "support/messages.h"
#include "support/temp_folder.h"
#include "support/tiny.h"

namespace lapel {
namespace {

Recipe flip_recipe() {
  Recipe recipe;
  recipe.name = "flip";
  recipe.layers = {test::layer("RandomFlip", {{"mode", std::string("horizontal")}, {"alternating", true}}),
                   test::layer("Flatten"), test::layer("Dense", {{"units", std::int64_t{0}}})};
  recipe.data.validation = "last 10";
  recipe.train.epochs = 2;
  recipe.train.batch_size = 8;
  return recipe;
}

std::vector<std::uint8_t> mirrored(const Pictures& pictures, std::int64_t index) {
  std::vector<std::uint8_t> result;
  const auto picture = pictures.picture(index);
  for (std::int64_t y = 0; y < pictures.height; ++y) {
    const auto row =
        picture.subspan(static_cast<std::size_t>(y * pictures.width), static_cast<std::size_t>(pictures.width));
    result.insert(result.end(), row.rbegin(), row.rend());
  }
  return result;
}

std::vector<std::uint8_t> pixels_of(const Pictures& pictures, std::int64_t index) {
  const auto picture = pictures.picture(index);
  return {picture.begin(), picture.end()};
}

TEST(Augmented, ShowsWhatATrainingSees) {
  const auto pictures = test::tiny_pictures(30, 8, 6, 1, 4).pictures;
  const std::vector<std::uint32_t> samples{4, 17, 2, 25, 9, 11, 3, 28};
  const Pictures first = augmented(flip_recipe(), pictures, samples, 1);
  const Pictures second = augmented(flip_recipe(), pictures, samples, 2);
  ASSERT_EQ(first.count, 8);
  int changed = 0;
  for (std::int64_t i = 0; i < first.count; ++i) {
    const auto sample = static_cast<std::int64_t>(samples[static_cast<std::size_t>(i)]);
    const bool flipped = pixels_of(first, i) != pixels_of(pictures, sample);
    EXPECT_EQ(pixels_of(flipped ? first : second, i), mirrored(pictures, sample)) << i;
    EXPECT_EQ(pixels_of(flipped ? second : first, i), pixels_of(pictures, sample)) << i;
    changed += flipped ? 1 : 0;
  }
  EXPECT_TRUE(changed > 0 && changed < 8);
  EXPECT_EQ(augmented(flip_recipe(), pictures, samples, 1).pixels, first.pixels);
  Recipe other = flip_recipe();
  other.train.seed = 3;
  EXPECT_NE(augmented(other, pictures, samples, 1).pixels, first.pixels);
}

TEST(Augmented, OfARecipeThatChangesNothingIsThePicture) {
  Recipe recipe = flip_recipe();
  recipe.layers.erase(recipe.layers.begin());
  const auto pictures = test::tiny_pictures(30, 8, 6, 3, 4).pictures;
  const std::vector<std::uint32_t> samples{7};
  EXPECT_EQ(augmented(recipe, pictures, samples, 1).pixels, pixels_of(pictures, 7));
  EXPECT_TRUE(augmentations(recipe).empty());
  EXPECT_EQ(test::message_of([&] { draw_augmentations(recipe, test::tiny_data(60, 20), "nowhere.png"); }),
            "flip: no layer of this recipe changes pictures in training\n"
            "  try  a recipe with RandomFlip, RandomTranslation or another layer of docs/augmentation.md");
}

TEST(DrawAugmentations, BeginsWithTheFirstEpochThatChangesPictures) {
  const testing::TempFolder root;
  Recipe recipe = flip_recipe();
  recipe.layers.insert(recipe.layers.begin(), test::layer("RandomFlip", {{"start_epoch", std::int64_t{7}}}));
  recipe.layers[1].options["start_epoch"] = std::int64_t{21};
  const auto drawn = root.file("drawn.svg");
  draw_augmentations(recipe, test::tiny_data(60, 20), drawn);
  std::ifstream file(drawn);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(text.find("epoch 7<"), std::string::npos);
  EXPECT_NE(text.find("epoch 21<"), std::string::npos) << "the second layer alone";
  EXPECT_EQ(text.find("epoch 6<"), std::string::npos);
  EXPECT_EQ(text.find("epoch 1<"), std::string::npos);
}

TEST(TestTimeAugmentation, TravelsWithTheModel) {
  const testing::TempFolder root;
  const auto data = test::tiny_data(60, 40);
  Recipe recipe = flip_recipe();
  recipe.train.test_time_augmentation = "flip+shift";
  TrainSettings settings;
  settings.folder = root.file("run");
  const TrainResult result = train(recipe, data, settings);
  EXPECT_EQ(result.record.test_time_augmentation, "flip+shift");
  EXPECT_EQ(read_run(settings.folder).record.test_time_augmentation, "flip+shift");

  Classifier classifier = Classifier::load(settings.folder);
  EXPECT_EQ(classifier.test_time_augmentation(), "flip+shift");
  EXPECT_EQ(classifier.evaluate(data.test, "test").score.loss, result.record.test->loss);
  const auto six = classifier.predict(data.test.pictures);
  classifier.use_test_time_augmentation("none");
  const auto one = classifier.predict(data.test.pictures);
  EXPECT_NE(one, six);
  classifier.use_test_time_augmentation("flip");
  EXPECT_NE(classifier.predict(data.test.pictures), six);

  // Mirrored pictures have the same two views.
  Pictures other_side = data.test.pictures;
  other_side.pixels.clear();
  for (std::int64_t i = 0; i < other_side.count; ++i) {
    const auto pixels = mirrored(data.test.pictures, i);
    other_side.pixels.insert(other_side.pixels.end(), pixels.begin(), pixels.end());
  }
  const auto two = classifier.predict(data.test.pictures);
  const auto mirrored_two = classifier.predict(other_side);
  for (std::size_t i = 0; i < two.size(); ++i) {
    ASSERT_NEAR(two[i], mirrored_two[i], 1e-6) << i;
  }

  // What trained without views has the training score that it has with them: they are for validation and test.
  recipe.train.test_time_augmentation = "none";
  const TrainResult plain = train(recipe, data);
  EXPECT_EQ(plain.record.train->loss, result.record.train->loss);
  EXPECT_NE(plain.record.validation->loss, result.record.validation->loss);
  EXPECT_EQ(plain.classifier.predict(data.test.pictures), one);

  EXPECT_EQ(test::message_of([&] { classifier.use_test_time_augmentation("flips"); }),
            "unknown test-time augmentation \"flips\"\n  known  none, flip, flip+shift        try  flip");
}

}  // namespace
}  // namespace lapel
