#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "formats/picture.h"
#include "lapel/data.h"
#include "support/temp_folder.h"

namespace lapel {
namespace {

namespace fs = std::filesystem;
using lapel::testing::message_of;
using lapel::testing::TempFolder;

constexpr std::array kForms = {DataForm::kIdx, DataForm::kCsv, DataForm::kFolder};

LabeledPictures random_part(std::int64_t count, std::int64_t height, std::int64_t width, std::int64_t channels,
                            std::uint32_t classes, std::uint32_t unit) {
  const RandomStream random{9, RandomPurpose::kTest, unit, 0, 0};
  LabeledPictures part;
  part.pictures = {count, height, width, channels, {}};
  for (std::int64_t i = 0; i < count * height * width * channels; ++i) {
    part.pictures.pixels.push_back(static_cast<std::uint8_t>(random.below(static_cast<std::uint64_t>(i), 256)));
  }
  const RandomStream labels{9, RandomPurpose::kTest, unit + 100, 0, 0};
  for (std::int64_t i = 0; i < count; ++i) {
    part.labels.push_back(static_cast<Label>(labels.below(static_cast<std::uint64_t>(i), classes)));
  }
  return part;
}

void expect_same(const LabeledPictures& actual, const LabeledPictures& expected) {
  EXPECT_EQ(actual.pictures.count, expected.pictures.count);
  EXPECT_EQ(actual.labels, expected.labels);
  EXPECT_EQ(actual.pictures.pixels, expected.pictures.pixels);
  if (expected.pictures.count > 0) {
    EXPECT_EQ(actual.pictures.height, expected.pictures.height);
    EXPECT_EQ(actual.pictures.width, expected.pictures.width);
    EXPECT_EQ(actual.pictures.channels, expected.pictures.channels);
  }
}

/// Every form into every other and back: sizes that are not square, colour, classes that a part lacks, names that are
/// no names of folders, no test part.
TEST(DataForms, NothingIsLostBetweenThem) {
  std::vector<DataSet> sets(4);
  sets[0] = {"a", {}, {"ankle", "boot", "coat"}, random_part(40, 9, 9, 1, 3, 1), random_part(11, 9, 9, 1, 3, 2)};
  sets[1] = {
      "b", {}, {"T-shirt/top", "1", ".x", "unused"}, random_part(30, 8, 11, 3, 3, 3), random_part(3, 8, 11, 3, 2, 4)};
  sets[2] = {"c", {}, {"z", "a"}, random_part(25, 3, 8, 1, 2, 5), {}};
  sets[3] = {"d",
             {},
             {"l", "k", "j", "i", "h", "g", "f", "e", "d", "c", "b", "a"},
             random_part(101, 8, 8, 3, 12, 6),
             random_part(9, 8, 8, 3, 12, 7)};
  for (const DataSet& data : sets) {
    for (const DataForm first : kForms) {
      for (const DataForm second : kForms) {
        SCOPED_TRACE(data.name);
        const TempFolder folder;
        save_data(data, folder.path() / "one", first);
        save_data(load_data((folder.path() / "one").string()), folder.path() / "two", second);
        const DataSet back = load_data((folder.path() / "two").string());
        EXPECT_EQ(back.class_names, data.class_names);
        expect_same(back.train, data.train);
        expect_same(back.test, data.test);
      }
    }
  }
}

TEST(DataForms, ExistingFoldersAreLeftAlone) {
  const TempFolder folder;
  const DataSet data = {"a", {}, {"a", "b"}, random_part(4, 3, 3, 1, 2, 1), {}};
  EXPECT_EQ(message_of(
                [&] {
                  save_data(data, folder.path(), DataForm::kCsv);
                  return 0;
                },
                folder.path()),
            "[usage] " + folder.path().string() +
                ": exists already; nothing is written over\n  try  a folder that does not exist yet");
}

/// A folder of pictures of one colour each; `name` is CLASS/FILE.
void put_picture(const TempFolder& folder, const std::string& name, std::int64_t height, std::int64_t width,
                 std::int64_t channels, std::uint8_t value) {
  fs::create_directories((folder.path() / name).parent_path());
  formats::write_png(
      folder.path() / name,
      {height, width, channels, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * channels), value)});
}

DataSpec spec_of(const TempFolder& folder) {
  DataSpec spec;
  spec.test_split = 0;
  spec.source = folder.path().string();
  return spec;
}

TEST(PictureFolder, SubFoldersAreClasses) {
  const TempFolder folder;
  put_picture(folder, "dog/x.png", 8, 9, 1, 1);
  put_picture(folder, "cat/y.PNG", 8, 9, 1, 2);
  put_picture(folder, "cat/x.png", 8, 9, 1, 3);
  put_picture(folder, ".hidden/x.png", 5, 5, 1, 3);
  folder.put("dog/notes.txt", "not a picture");
  const DataSet data = load_data(spec_of(folder));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(data.train.pictures.count, 3);
  EXPECT_EQ(data.train.pictures.height, 8);
  EXPECT_EQ(data.train.pictures.width, 9);
  std::multiset<int> seen;
  for (std::size_t i = 0; i < 3; ++i) {
    seen.insert(data.train.labels[i] * 10 + data.train.pictures.picture(static_cast<std::int64_t>(i))[0]);
  }
  EXPECT_EQ(seen, (std::multiset<int>{2, 3, 11}));
}

TEST(PictureFolder, NumbersSayTheOrder) {
  const TempFolder folder;
  for (const int i : {10, 2, 1, 7}) {
    put_picture(folder, (i % 2 == 0 ? "even/" : "odd/") + std::to_string(i) + ".png", 4, 4, 1,
                static_cast<std::uint8_t>(i));
  }
  const DataSet data = load_data(spec_of(folder));
  EXPECT_EQ(data.train.labels, (std::vector<Label>{1, 0, 1, 0}));
  EXPECT_EQ(data.train.pictures.picture(3)[0], 10);
}

TEST(PictureFolder, SizeAndColourAsTheRecipeSays) {
  const TempFolder folder;
  put_picture(folder, "a/1.png", 20, 30, 1, 100);
  put_picture(folder, "b/2.png", 10, 10, 3, 200);
  DataSpec spec = spec_of(folder);
  spec.image_size = {6, 5};
  EXPECT_EQ(load_data(spec).train.pictures.channels, 3);
  spec.color_mode = "grayscale";
  const Pictures grey = load_data(spec).train.pictures;
  EXPECT_EQ(grey.channels, 1);
  EXPECT_EQ(grey.height, 6);
  EXPECT_EQ(grey.width, 5);
  EXPECT_EQ(grey.picture(0)[0], 100);
  EXPECT_EQ(grey.picture(1)[29], 200);
  spec.color_mode = "rgb";
  EXPECT_EQ(load_data(spec).train.pictures.channels, 3);
}

TEST(PictureFolder, TestPicturesByFractionOfEachClass) {
  const TempFolder folder;
  for (int i = 0; i < 30; ++i) {
    put_picture(folder, (i < 20 ? "many/" : "few/") + std::to_string(i) + ".png", 4, 4, 1,
                static_cast<std::uint8_t>(i));
  }
  DataSpec spec = spec_of(folder);
  spec.test_split = 0.2;
  const DataSet data = load_data(spec);
  EXPECT_EQ(std::count(data.test.labels.begin(), data.test.labels.end(), 0), 2);
  EXPECT_EQ(std::count(data.test.labels.begin(), data.test.labels.end(), 1), 4);
  std::set<int> seen;
  for (const auto* part : {&data.train, &data.test}) {
    for (std::int64_t i = 0; i < part->pictures.count; ++i) {
      seen.insert(part->pictures.picture(i)[0]);
    }
  }
  EXPECT_EQ(seen.size(), 30U);
  EXPECT_EQ(load_data(spec).test.pictures.pixels, data.test.pictures.pixels);
  spec.split_seed = 2;
  EXPECT_NE(load_data(spec).test.pictures.pixels, data.test.pictures.pixels);
}

TEST(PictureFolderErrors, WholeMessages) {
  const auto message = [](const TempFolder& folder) {
    return message_of([&] { return load_data(spec_of(folder)); }, folder.path());
  };
  const TempFolder one;
  put_picture(one, "a/1.png", 4, 4, 1, 0);
  fs::create_directories(one.path() / "b");
  EXPECT_EQ(load_data(spec_of(one)).class_names, std::vector<std::string>{"a"});
  one.put("b/2.png", "no picture");
  EXPECT_EQ(message(one),
            "[data] b/2.png: is no picture: it begins with 6e 6f 20 70\n"
            "  try  a fresh copy, or --set 'data.ignore=[\"damaged\"]'");
  one.put("b/3.png", "nor this");
  EXPECT_EQ(message(one),
            "[data] b/2.png: is no picture: it begins with 6e 6f 20 70; 2 pictures in all cannot be read\n"
            "  they are  b/2.png, b/3.png        try  a fresh copy, or --set 'data.ignore=[\"damaged\"]'");
  const TempFolder parts;
  put_picture(parts, "train/a/1.png", 4, 4, 1, 0);
  put_picture(parts, "train/b/2.png", 4, 4, 1, 0);
  put_picture(parts, "test/c/1.png", 4, 4, 1, 0);
  EXPECT_EQ(message(parts),
            "[data] test/c: is not a class of this data set\n"
            "  classes  2, the first \"a\"        try  the classes of the training pictures, or of class_names.txt");
}

TEST(MatchingClasses, ByNameUnlessTheyAreNumbers) {
  DataSet data = {"a", "/a", {"cat", "eel", "dog"}, {}, {}};
  data.train.labels = {0, 2, 0};
  data.test.labels = {2};
  const std::vector<std::string> model = {"ant", "cat", "dog"};
  const DataSet matched = with_classes(data, model);
  EXPECT_EQ(matched.class_names, model);
  EXPECT_EQ(matched.train.labels, (std::vector<Label>{1, 2, 1}));
  EXPECT_EQ(matched.test.labels, (std::vector<Label>{2}));
  DataSet numbers = data;
  numbers.class_names = {"0", "1", "2"};
  const DataSet by_number = with_classes(numbers, model);
  EXPECT_EQ(by_number.train.labels, data.train.labels);
  ASSERT_EQ(by_number.findings.size(), 1U);
  EXPECT_EQ(by_number.findings[0].examples, (std::vector<std::string>{"0 is taken for ant", "2 is taken for dog"}));
  // Numbers that are written otherwise, and a part of them.
  numbers.class_names = {"01", "5", "2"};
  EXPECT_EQ(with_classes(numbers, {"0", "1", "2"}).train.labels, (std::vector<Label>{1, 2, 1}));
  EXPECT_EQ(
      message_of(
          [&] {
            return with_classes(data, {"0", "1", "2"});
          },
          "/tmp"),
      "[data] /a: the classes of the data have names, those of the model are numbers\n"
      "  model  0, 1, 2        data  cat, eel, dog        try  folders that are named for the model's numbers, or a "
      "class_names.txt beside the data");
  DataSet with_numbers = data;
  with_numbers.numbered_classes = true;
  EXPECT_EQ(with_classes(with_numbers, {"0", "1", "2"}).train.labels, data.train.labels);
  data.test.labels = {1};
  EXPECT_EQ(
      message_of([&] { return with_classes(data, model); }, "/tmp"),
      "[data] /a: class \"eel\" is not one of the model's\n"
      "  model  ant, cat, dog        data  cat, eel, dog        try  a data set of the classes that the model was "
      "trained on");
}

TEST(CsvFiles, AFolderOrAFile) {
  const TempFolder folder;
  folder.put("my_train.csv", "0,1,2,3,4\n1,5,6,7,8\n");
  folder.put("my_test.csv", "1,9,9,9,9\n");
  const DataSet both = load_data(spec_of(folder));
  EXPECT_EQ(both.train.pictures.count, 2);
  EXPECT_EQ(both.test.labels, (std::vector<Label>{1}));
  EXPECT_EQ(load_data((folder.path() / "my_train.csv").string()).test.pictures.count, 0);
  folder.put("class_names.txt", "one\ntwo\n");
  EXPECT_EQ(load_data(spec_of(folder)).class_names, (std::vector<std::string>{"one", "two"}));
  folder.put("my_test.csv", "2,9,9,9,9\n");
  EXPECT_EQ(message_of([&] { return load_data(spec_of(folder)); }, folder.path()),
            "[data] my_test.csv:1: label 2 is beyond the 2 classes, 0 to 1\n"
            "  class names  class_names.txt        try  a class_names.txt with a line for every class");
}

/// A dark upright bar, left of the middle, on a light ground that is not quite even.
TEST(Photo, IsTrimmedCentredAndNegated) {
  const TempFolder folder;
  formats::Picture photo{120, 200, 3, {}};
  for (std::int64_t y = 0; y < 120; ++y) {
    for (std::int64_t x = 0; x < 200; ++x) {
      const bool dark = x >= 20 && x < 50 && y >= 10 && y < 110;
      photo.pixels.insert(photo.pixels.end(), 3, dark ? std::uint8_t{20} : static_cast<std::uint8_t>(243 + x % 5));
    }
  }
  formats::write_png(folder.path() / "photo.png", photo);
  const Pictures seen = picture_from_photo(folder.path() / "photo.png", 28, 28, 1);
  EXPECT_EQ(seen.height, 28);
  EXPECT_EQ(seen.channels, 1);
  for (std::int64_t y = 0; y < 28; ++y) {
    EXPECT_LT(seen.pixels[static_cast<std::size_t>(y * 28 + 2)], 20);
    EXPECT_GT(seen.pixels[static_cast<std::size_t>(y * 28 + 13)], 225);
    EXPECT_LT(seen.pixels[static_cast<std::size_t>(y * 28 + 25)], 20);
  }
  formats::write_png(folder.path() / "blank.png", {4, 4, 1, std::vector<std::uint8_t>(16, 250)});
  EXPECT_EQ(message_of([&] { return picture_from_photo(folder.path() / "blank.png", 28, 28, 1); }, folder.path()),
            "[data] blank.png: shows nothing: every pixel has the colour of the corners\n"
            "  try  a photograph of one thing on a plain ground");
}

}  // namespace
}  // namespace lapel
