#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/known.h"
#include "formats/picture.h"
#include "lapel/data.h"
#include "support/temp_folder.h"

namespace lapel {
namespace {

using lapel::testing::message_of;
using lapel::testing::TempFolder;
using Bytes = std::vector<std::uint8_t>;

constexpr const char* kTrainImages = "train-images-idx3-ubyte";
constexpr const char* kTrainLabels = "train-labels-idx1-ubyte";
constexpr const char* kTestImages = "t10k-images-idx3-ubyte";
constexpr const char* kTestLabels = "t10k-labels-idx1-ubyte";

Bytes idx(const std::vector<std::uint8_t>& sizes, const Bytes& values) {
  Bytes bytes = {0, 0, 8, static_cast<std::uint8_t>(sizes.size())};
  for (const std::uint8_t size : sizes) {
    bytes.insert(bytes.end(), {0, 0, 0, size});
  }
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

/// Three pictures of 1 x 2 with labels 0, 2, 1; two test pictures with labels 1, 2.
void put_data(const TempFolder& folder) {
  folder.put(kTrainImages, idx({3, 1, 2}, {1, 2, 3, 4, 5, 6}));
  folder.put(kTrainLabels, idx({3}, {0, 2, 1}));
  folder.put(kTestImages, idx({2, 1, 2}, {7, 8, 9, 10}));
  folder.put(kTestLabels, idx({2}, {1, 2}));
}

std::string message(const TempFolder& folder) {
  return message_of([&] { return load_data(folder.path().string()); }, folder.path());
}

/// An environment variable's value while it lives; nothing: unset.
class Environment {
 public:
  Environment(const char* name, const std::optional<std::string>& value) : name_(name) {
    if (const char* before = std::getenv(name)) {
      before_ = before;
    }
    set(value);
  }
  ~Environment() { set(before_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const std::optional<std::string>& value) const {
    value ? ::setenv(name_, value->c_str(), 1) : ::unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> before_;
};

TEST(LoadData, AFolderOfFourFiles) {
  const TempFolder folder;
  put_data(folder);
  const DataSet data = load_data(folder.path().string() + "/");
  EXPECT_EQ(data.name, folder.path().filename().string());
  EXPECT_EQ(data.location, folder.path());
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(data.train.pictures.count, 3);
  EXPECT_EQ(data.train.pictures.height, 1);
  EXPECT_EQ(data.train.pictures.width, 2);
  EXPECT_EQ(data.train.pictures.channels, 1);
  EXPECT_EQ(data.train.pictures.pixels, (Bytes{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(data.train.labels, (std::vector<Label>{0, 2, 1}));
  EXPECT_EQ(data.test.pictures.count, 2);
  EXPECT_EQ(data.test.labels, (std::vector<Label>{1, 2}));
}

TEST(LoadData, OnePartAlone) {
  const TempFolder folder;
  put_data(folder);
  DataSpec spec;
  spec.source = folder.path().string();
  const DataSet train = load_data(spec, DataPart::kTrain);
  EXPECT_EQ(train.train.pictures.pixels, (Bytes{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(train.test.pictures.count, 0);
  EXPECT_TRUE(train.test.labels.empty());

  folder.put(kTrainImages, "no pictures");  // Is not looked into for the test part.
  const DataSet test = load_data(spec, DataPart::kTest);
  EXPECT_EQ(test.test.pictures.pixels, (Bytes{7, 8, 9, 10}));
  EXPECT_EQ(test.test.labels, (std::vector<Label>{1, 2}));
  EXPECT_EQ(test.class_names, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(test.train.pictures.count, 0);
  EXPECT_TRUE(test.train.labels.empty());
}

TEST(LoadData, TheTestPartAloneWhereItIsSplitOff) {
  const TempFolder folder;
  folder.put(kTrainImages, idx({4, 1, 1}, {7, 8, 9, 10}));
  folder.put(kTrainLabels, idx({4}, {0, 0, 1, 1}));
  DataSpec spec;
  spec.source = folder.path().string();
  spec.test_split = 0.5;
  const DataSet whole = load_data(spec);
  const DataSet test = load_data(spec, DataPart::kTest);
  EXPECT_EQ(test.test.pictures.count, 2);
  EXPECT_EQ(test.test.pictures.pixels, whole.test.pictures.pixels);
  EXPECT_EQ(test.train.pictures.count, 0);
  EXPECT_EQ(load_data(spec, DataPart::kTrain).train.pictures.pixels, whole.train.pictures.pixels);
}

TEST(LoadData, RelativeFolderBecomesAbsolute) {
  const TempFolder folder;
  put_data(folder);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const DataSet data = load_data(".");
  std::filesystem::current_path(before);
  EXPECT_EQ(data.location, std::filesystem::canonical(folder.path()));
  EXPECT_EQ(data.name, folder.path().filename().string());
}

TEST(LoadData, OtherFileNamesAndNoTestPart) {
  const TempFolder folder;
  folder.put("train-images.idx3-ubyte", idx({1, 1, 1}, {7}));
  folder.put("train-labels.idx1-ubyte", idx({1}, {0}));
  const DataSet data = load_data(folder.path().string());
  EXPECT_EQ(data.train.pictures.count, 1);
  EXPECT_EQ(data.test.pictures.count, 0);
  EXPECT_TRUE(data.test.labels.empty());
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"0"}));
}

TEST(LoadData, ClassNamesOfTheFolder) {
  const TempFolder folder;
  put_data(folder);
  folder.put("class_names.txt", "\xef\xbb\xbf a b \r\nc\r\nd\ne\nnever seen\n\n");
  EXPECT_EQ(load_data(folder.path().string()).class_names,
            (std::vector<std::string>{"a b", "c", "d", "e", "never seen"}));
}

TEST(LoadData, ClassNamesThatAreWrong) {
  const TempFolder folder;
  put_data(folder);
  folder.put("class_names.txt", "a\n\nb\n");
  EXPECT_EQ(message(folder), "[data] class_names.txt:2: the line is empty\n  try  one class name a line");
  folder.put("class_names.txt", "a\nb\n a \n");
  EXPECT_EQ(message(folder),
            "[data] class_names.txt: the class name \"a\" is there twice\n"
            "  classes  0 and 2, counted from 0        try  a name of its own for every class");
  folder.put("class_names.txt", " \n");
  EXPECT_EQ(message(folder), "[data] class_names.txt: holds no class name\n  try  one class name a line");
}

TEST(LoadData, LabelsBeyondTheClasses) {
  const TempFolder folder;
  put_data(folder);
  folder.put("class_names.txt", "a\nb\n");
  EXPECT_EQ(message(folder),
            "[data] train-labels-idx1-ubyte: label 2 at index 1 is beyond the 2 classes, 0 to 1\n"
            "  class names  class_names.txt        try  a class_names.txt with a line for every class");
  folder.put("class_names.txt", "a\nb\nc\n");
  folder.put(kTestLabels, idx({2}, {1, 3}));
  EXPECT_EQ(message(folder),
            "[data] t10k-labels-idx1-ubyte: label 3 at index 1 is beyond the 3 classes, 0 to 2\n"
            "  class names  class_names.txt        try  a class_names.txt with a line for every class");
  std::filesystem::remove(folder.path() / "class_names.txt");
  EXPECT_EQ(message(folder),
            "[data] t10k-labels-idx1-ubyte: label 3 at index 1 is beyond the 3 classes, 0 to 2\n"
            "  class names  the training labels        try  a class_names.txt with a line for every class");
}

TEST(LoadData, CountsThatDiffer) {
  const TempFolder folder;
  put_data(folder);
  folder.put(kTrainLabels, idx({2}, {0, 2}));
  EXPECT_EQ(message_of([&] { return load_data(folder.path().string()); }),
            "[data] " + folder.path().string() +
                ": 3 pictures, but 2 labels\n"
                "  pictures  train-images-idx3-ubyte        labels  train-labels-idx1-ubyte"
                "        try  two files that belong together");
}

TEST(LoadData, TestPicturesOfAnotherSize) {
  const TempFolder folder;
  put_data(folder);
  folder.put(kTestImages, idx({2, 2, 1}, {7, 8, 9, 10}));
  EXPECT_EQ(message(folder), "[data] " + folder.path().string() +
                                 ": the test pictures are 2 x 1, the training pictures 1 x 2\n"
                                 "  try  two parts of the same data set");
}

TEST(LoadData, FilesExchanged) {
  const TempFolder folder;
  put_data(folder);
  std::filesystem::copy_file(folder.file(kTestLabels), folder.file(kTestImages),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(message(folder),
            "[data] t10k-images-idx3-ubyte: holds labels (rank 1), pictures (rank 3) are wanted\n"
            "  try  look whether the files were exchanged");
}

TEST(LoadData, FilesThatAreMissing) {
  const TempFolder folder;
  const std::string place = folder.path().string();
  EXPECT_EQ(
      message(folder),
      "[data] " + place +
          ": there is no data set in this folder\n"
          "  here are  nothing        looked for  train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz], with "
          "t10k-images-idx3-ubyte[.gz] and t10k-labels-idx1-ubyte[.gz] if there are test pictures; or a CSV file "
          "with \"train\" in its name (label,pixel1,pixel2,...), and one with "
          "\"test\" if there are test pictures; or a sub-folder of pictures for each class; or a .npz file with "
          "x_train "
          "and y_train, and x_test and y_test"
          "        try  --data FOLDER, where FOLDER/CLASS/picture.png, or FOLDER/train/CLASS/picture.png, or "
          "FOLDER/train.csv");
  put_data(folder);
  std::filesystem::remove(folder.file(kTestLabels));
  EXPECT_EQ(message(folder), "[io] " + place +
                                 ": t10k-labels-idx1-ubyte[.gz] is missing\n"
                                 "  images  t10k-images-idx3-ubyte        try  the whole data set in one folder");
  std::filesystem::remove(folder.file(kTrainImages));
  EXPECT_EQ(message(folder), "[io] " + place +
                                 ": train-images-idx3-ubyte[.gz] is missing\n"
                                 "  labels  train-labels-idx1-ubyte        try  the whole data set in one folder");
}

TEST(LoadData, NotAFolder) {
  const TempFolder folder;
  put_data(folder);
  const std::string place = folder.path().string();
  EXPECT_EQ(message_of([&] { return load_data(place + "/none"); }),
            "[io] " + place + "/none: there is no such file or folder\n  try  the path of a folder with a data set");
  EXPECT_EQ(
      message_of([&] { return load_data(place + "/" + kTrainImages); }, folder.path()),
      "[data] train-images-idx3-ubyte: is neither a CSV file nor the folder of a data set\n"
      "  looked for  train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz], with "
      "t10k-images-idx3-ubyte[.gz] and t10k-labels-idx1-ubyte[.gz] if there are test pictures; or a CSV file "
      "with \"train\" in its name (label,pixel1,pixel2,...), and one with "
      "\"test\" if there are test pictures; or a sub-folder of pictures for each class; or a .npz file with x_train "
      "and y_train, and x_test and y_test"
      "        try  --data " +
          place);
}

TEST(LoadData, UnknownName) {
  EXPECT_EQ(message_of([] { return load_data("fashon-mnist"); }),
            "[data] data 'fashon-mnist': is neither a known data set nor a folder\n"
            "  known  fashion-mnist        try  fashion-mnist");
  EXPECT_EQ(message_of([] { return load_data("x"); }),
            "[data] data 'x': is neither a known data set nor a folder\n"
            "  known  fashion-mnist        try  the path of a folder");
}

TEST(LoadData, EnvironmentNamesTheFolder) {
  const TempFolder folder;
  put_data(folder);
  const Environment set("LAPEL_DATA", folder.path().string());
  EXPECT_EQ(load_data().location, folder.path());
  const Environment missing("LAPEL_DATA", folder.path().string() + "/none");
  EXPECT_EQ(message_of([] { return load_data(); }, folder.path()),
            "[io] LAPEL_DATA, none: there is no such file or folder\n  try  the path of a folder with a data set");
}

TEST(LoadData, SaysWhatToInstall) {
  const TempFolder folder;
  const Environment unset("LAPEL_DATA", std::nullopt);
  const std::string place = folder.path().string();
  const Environment shares("XDG_DATA_DIRS", place + "/a::" + place + "/b");
  EXPECT_EQ(message_of([] { return load_data(); }),
            "[io] data 'fashion-mnist': the data set is not installed\n"
            "  looked in  " +
                place + "/a/datasets/fashion-mnist, " + place +
                "/b/datasets/fashion-mnist        try  apt-get install dataset-fashion-mnist, or --data FOLDER, or set "
                "LAPEL_DATA=FOLDER");
  std::filesystem::create_directories(folder.file("b/datasets"));
  const TempFolder installed;
  put_data(installed);
  std::filesystem::copy(installed.path(), folder.file("b/datasets/fashion-mnist"));
  EXPECT_EQ(load_data().location, folder.file("b/datasets/fashion-mnist"));
}

TEST(ShareFolders, DefaultOfTheSpecification) {
  const Environment unset("XDG_DATA_DIRS", std::nullopt);
  EXPECT_EQ(data::share_folders(), (std::vector<std::filesystem::path>{"/usr/local/share", "/usr/share"}));
}

TEST(ReadPicture, BringsItToSizeAndChannels) {
  const TempFolder folder;
  formats::write_png(folder.file("x.png"), {2, 2, 3, {255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0}});
  const Pictures grey = read_picture(folder.file("x.png"), {4, 3, 1});
  EXPECT_EQ(grey.count, 1);
  EXPECT_EQ(grey.height, 4);
  EXPECT_EQ(grey.width, 3);
  EXPECT_EQ(grey.channels, 1);
  EXPECT_EQ(grey.pixels, Bytes(12, 76));
  EXPECT_EQ(read_picture(folder.file("x.png"), {1, 1, 3}).pixels, (Bytes{255, 0, 0}));
}

}  // namespace
}  // namespace lapel
