#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "data/known.h"
#include "lapel/data.h"

namespace lapel {
namespace {

LabeledPictures part(std::array<std::int64_t, 3> sizes, std::vector<std::uint8_t> pixels, std::vector<Label> labels) {
  LabeledPictures result;
  result.pictures = {sizes[0], sizes[1], sizes[2], 1, std::move(pixels)};
  result.labels = std::move(labels);
  return result;
}

TEST(Describe, CountsAndStatistics) {
  DataSet data;
  data.name = "two";
  data.location = "/somewhere";
  data.class_names = {"a", "b", "c"};
  data.train = part({2, 1, 2}, {2, 4, 4, 6}, {2, 0});
  const DataDescription description = describe(data);
  EXPECT_EQ(description.name, "two");
  EXPECT_EQ(description.location, "/somewhere");
  EXPECT_EQ(description.class_names, data.class_names);
  ASSERT_EQ(description.splits.size(), 1U);
  const SplitDescription& train = description.splits[0];
  EXPECT_EQ(train.name, "train");
  EXPECT_EQ(train.shape, (std::array<std::int64_t, 4>{2, 1, 2, 1}));
  EXPECT_EQ(train.min_pixel, 2);
  EXPECT_EQ(train.max_pixel, 6);
  EXPECT_DOUBLE_EQ(train.mean_pixel, 4);
  EXPECT_DOUBLE_EQ(train.std_pixel, std::sqrt(2.0));
  EXPECT_EQ(train.class_counts, (std::vector<std::int64_t>{1, 0, 1}));
}

TEST(Describe, AllBlack) {
  DataSet data;
  data.class_names = {"a", "b"};
  data.train = part({1, 1, 3}, {0, 0, 0}, {1});
  const SplitDescription train = describe(data).splits.at(0);
  EXPECT_EQ(train.min_pixel, 0);
  EXPECT_EQ(train.max_pixel, 0);
  EXPECT_EQ(train.mean_pixel, 0);
  EXPECT_EQ(train.std_pixel, 0);
}

class FashionMnist : public ::testing::Test {
 protected:
  void SetUp() override {
    const data::KnownData* known = data::find_known("fashion-mnist");
    for (const auto& share : data::share_folders()) {
      if (std::filesystem::exists(share / known->folder)) {
        folder_ = share / known->folder;
        return;
      }
    }
    GTEST_SKIP() << "Debian's dataset-fashion-mnist is not installed";
  }
  std::filesystem::path folder_;
};

TEST_F(FashionMnist, IsWhatThePaperSays) {
  const DataSet data = load_data(folder_.string());
  EXPECT_EQ(data.name, "fashion-mnist");
  EXPECT_EQ(data.location, folder_);
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal",
                                                        "Shirt", "Sneaker", "Bag", "Ankle boot"}));
  // The first labels of both parts, as `keras.datasets.fashion_mnist.load_data()` gives them.
  EXPECT_EQ(std::vector<Label>(data.train.labels.begin(), data.train.labels.begin() + 5),
            (std::vector<Label>{9, 0, 0, 3, 0}));
  EXPECT_EQ(std::vector<Label>(data.test.labels.begin(), data.test.labels.begin() + 5),
            (std::vector<Label>{9, 2, 1, 1, 6}));
  const DataDescription description = describe(data);
  ASSERT_EQ(description.splits.size(), 2U);
  const SplitDescription& train = description.splits[0];
  EXPECT_EQ(train.shape, (std::array<std::int64_t, 4>{60000, 28, 28, 1}));
  EXPECT_EQ(train.class_counts, std::vector<std::int64_t>(10, 6000));
  EXPECT_EQ(train.min_pixel, 0);
  EXPECT_EQ(train.max_pixel, 255);
  // The widely used 0.2860 and 0.3530, times 255.
  EXPECT_NEAR(train.mean_pixel, 72.9404, 5e-5);
  EXPECT_NEAR(train.std_pixel, 90.0212, 5e-5);
  const SplitDescription& test = description.splits[1];
  EXPECT_EQ(test.name, "test");
  EXPECT_EQ(test.shape, (std::array<std::int64_t, 4>{10000, 28, 28, 1}));
  EXPECT_EQ(test.class_counts, std::vector<std::int64_t>(10, 1000));

  const ThreadScope one(1);
  const DataDescription serial = describe(data);
  EXPECT_EQ(serial.splits[0].mean_pixel, train.mean_pixel);
  EXPECT_EQ(serial.splits[0].std_pixel, train.std_pixel);
}

}  // namespace
}  // namespace lapel
