#include "formats/idx.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/temp_folder.h"

namespace lapel::formats {
namespace {

using namespace std::string_view_literals;
using lapel::testing::message_of;
using lapel::testing::TempFolder;

// Two pictures of 1 x 3.
constexpr std::string_view kPictures = "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x03\x01\x02\x03\xfd\xfe\xff"sv;
constexpr std::string_view kLabels = "\0\0\x08\x01\0\0\0\x02\x07\x09"sv;

std::string message(std::string_view content, int rank) {
  const TempFolder folder;
  return message_of([&] { return read_idx(folder.put("x", content), rank); }, folder.path());
}

TEST(Idx, ReadsPicturesAndLabels) {
  const TempFolder folder;
  const IdxArray pictures = read_idx(folder.put("a", kPictures), 3);
  EXPECT_EQ(pictures.shape, (std::vector<std::int64_t>{2, 1, 3}));
  EXPECT_EQ(pictures.values, (std::vector<std::uint8_t>{1, 2, 3, 253, 254, 255}));
  const IdxArray labels = read_idx(folder.put("b", kLabels), 1);
  EXPECT_EQ(labels.shape, (std::vector<std::int64_t>{2}));
  EXPECT_EQ(labels.values, (std::vector<std::uint8_t>{7, 9}));
}

TEST(Idx, EveryTruncationIsAnError) {
  const TempFolder folder;
  for (const auto& [content, rank] : {std::pair(kPictures, 3), std::pair(kLabels, 1)}) {
    for (std::size_t length = 0; length < content.size(); ++length) {
      const auto file = folder.put("x", content.substr(0, length));
      EXPECT_THROW(static_cast<void>(read_idx(file, rank)), Error) << length;
    }
  }
}

TEST(Idx, EndsEarlyOrIsTooLong) {
  EXPECT_EQ(message(kPictures.substr(0, kPictures.size() - 1), 3),
            "[data] x: the file ends early: header says 2 x 1 x 3 = 6 bytes, 5 are there\n"
            "  try  a fresh copy of the file");
  EXPECT_EQ(message(std::string(kPictures) + "ab", 3),
            "[data] x: the file is too long: header says 2 x 1 x 3 = 6 bytes, 8 are there\n"
            "  try  a fresh copy of the file");
  EXPECT_EQ(message(kPictures.substr(0, 9), 3),
            "[data] x: the file ends within its header: 16 bytes are wanted, 9 are there\n"
            "  try  a fresh copy of the file");
  EXPECT_EQ(message("", 3), "[data] x: the file is empty\n  try  a fresh copy of the file");
}

TEST(Idx, AnotherKindOfFile) {
  EXPECT_EQ(message("\x89PNG\r\n\x1a\n and so on", 3),
            "[data] x: not an IDX file: it begins with 89 50 4e 47\n"
            "  wanted  00 00 08 03        looks like  a PNG picture        try  a fresh copy of the file");
  EXPECT_EQ(
      message("label,pixel1,pixel2\n1,2,3\n", 3),
      "[data] x: not an IDX file: it begins with 6c 61 62 65\n"
      "  wanted  00 00 08 03        looks like  text (\"label,pixel1,pix\")        try  a fresh copy of the file");
  EXPECT_EQ(message("\x08\x07"sv, 1),
            "[data] x: not an IDX file: it begins with 08 07\n"
            "  wanted  00 00 08 01        try  a fresh copy of the file");
  EXPECT_EQ(message("\0\0\x0a\x01\0\0\0\x01\0"sv, 1),
            "[data] x: not an IDX file: it begins with 00 00 0a 01\n"
            "  wanted  00 00 08 01        try  a fresh copy of the file");
}

TEST(Idx, LabelsWherePicturesWereWanted) {
  EXPECT_EQ(message(kLabels, 3),
            "[data] x: holds labels (rank 1), pictures (rank 3) are wanted\n"
            "  try  look whether the files were exchanged");
  EXPECT_EQ(message(kPictures, 1),
            "[data] x: holds pictures (rank 3), labels (rank 1) are wanted\n"
            "  try  look whether the files were exchanged");
  EXPECT_EQ(message("\0\0\x08\x04"sv, 3),
            "[data] x: holds an array of rank 4, pictures (rank 3) are wanted\n"
            "  try  look whether the files were exchanged");
}

TEST(Idx, AnotherElementType) {
  EXPECT_EQ(message("\0\0\x0d\x03\0\0\0\x01"sv, 3),
            "[data] x: holds 32-bit floats (type 0d), unsigned bytes (type 08) are wanted");
}

TEST(Idx, SizesThatCannotBe) {
  EXPECT_EQ(message("\0\0\x08\x03\0\0\0\0\0\0\0\x1c\0\0\0\x1c"sv, 3),
            "[data] x: holds nothing: header says 0 x 28 x 28\n  try  a fresh copy of the file");
  EXPECT_EQ(message("\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv, 3),
            "[data] x: the header is damaged: it says 4294967295 x 4294967295 x 4294967295, more than any file holds\n"
            "  try  a fresh copy of the file");
  EXPECT_EQ(message("\0\0\x08\x03\x80\0\0\0\0\0\0\x1c\0\0\0\x1c"sv, 3),
            "[data] x: the file ends early: header says 2147483648 x 28 x 28 = 1683627180032 bytes, 0 are there\n"
            "  try  a fresh copy of the file");
}

}  // namespace
}  // namespace lapel::formats
