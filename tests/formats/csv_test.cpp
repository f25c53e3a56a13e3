#include "formats/csv.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/threads.h"
#include "support/temp_folder.h"

namespace lapel::formats {
namespace {

using lapel::testing::message_of;
using lapel::testing::TempFolder;
using Bytes = std::vector<std::uint8_t>;
using Labels = std::vector<std::uint16_t>;

CsvPictures read(std::string_view content) {
  const TempFolder folder;
  return read_csv(folder.put("x.csv", content));
}

std::string message(std::string_view content) {
  const TempFolder folder;
  return message_of([&] { return read_csv(folder.put("x.csv", content)); }, folder.path());
}

TEST(Csv, ReadsKagglesForm) {
  for (const std::string_view content :
       {"label,pixel1,pixel2,pixel3,pixel4\n9,0,1,2,255\n0,10,11,12,13\n", "9,0,1,2,255\n0,10,11,12,13",
        "\xef\xbb\xbflabel,a,b,c,d\r\n9,0,1,2,255\r\n0,10,11,12,13\r\n"}) {
    const CsvPictures pictures = read(content);
    EXPECT_EQ(pictures.height, 2);
    EXPECT_EQ(pictures.width, 2);
    EXPECT_EQ(pictures.channels, 1);
    EXPECT_EQ(pictures.labels, (Labels{9, 0}));
    EXPECT_EQ(pictures.pixels, (Bytes{0, 1, 2, 255, 10, 11, 12, 13}));
  }
}

TEST(Csv, WhatWasWrittenComesBack) {
  const TempFolder folder;
  for (const auto& [height, width, channels] :
       {std::array<std::int64_t, 3>{3, 3, 1}, {2, 5, 1}, {4, 3, 3}, {1, 1, 3}, {1, 1, 1}}) {
    CsvPictures pictures{height, width, channels, {0, 65535, 7}, {}};
    for (std::int64_t i = 0; i < 3 * height * width * channels; ++i) {
      pictures.pixels.push_back(static_cast<std::uint8_t>(i * 37));
    }
    write_csv(folder.path() / "y.csv", pictures);
    const CsvPictures again = read_csv(folder.path() / "y.csv");
    EXPECT_EQ(again.height, height);
    EXPECT_EQ(again.width, width);
    EXPECT_EQ(again.channels, channels);
    EXPECT_EQ(again.labels, pictures.labels);
    EXPECT_EQ(again.pixels, pictures.pixels);
  }
}

/// Larger than the parts that threads take.
TEST(Csv, ManyRowsOnAnyNumberOfThreads) {
  CsvPictures pictures{16, 16, 1, {}, {}};
  for (std::uint32_t i = 0; i < 5000; ++i) {
    pictures.labels.push_back(static_cast<std::uint16_t>(i));
    for (std::uint32_t p = 0; p < 256; ++p) {
      pictures.pixels.push_back(static_cast<std::uint8_t>(i * 31 + p * p));
    }
  }
  const TempFolder folder;
  write_csv(folder.path() / "many.csv", pictures);
  for (const int threads : {1, 3}) {
    const ThreadScope scope(threads);
    const CsvPictures again = read_csv(folder.path() / "many.csv");
    EXPECT_EQ(again.labels, pictures.labels);
    EXPECT_EQ(again.pixels, pictures.pixels);
  }
}

TEST(CsvErrors, WholeMessages) {
  const std::string row = "\n  try  a row a picture: label,pixel,pixel,...";
  const std::string pixel = "\n  try  pixels as whole numbers from 0 to 255";
  const std::string label = "\n  try  labels as numbers, counted from 0; their names in class_names.txt";
  EXPECT_EQ(message("label,a,b,c,d\n0,1,2,3,4\n1,1,2,3\n"), "[data] x.csv:3: 4 values, 5 are wanted" + row);
  EXPECT_EQ(message("0,1,2,3,4\n1,1,2,3,4,5\n"), "[data] x.csv:2: 6 values, 5 are wanted" + row);
  EXPECT_EQ(message("0,1,2,3,4\n1,1,2,3,4,\n"), "[data] x.csv:2: 6 values, 5 are wanted" + row);
  EXPECT_EQ(message("0,1,2,3,4\n\n1,1,2,3,4\n"), "[data] x.csv:2: the line is empty, 5 values are wanted" + row);
  EXPECT_EQ(message("0,1,2,x3,4\n"), "[data] x.csv:1: column 4: \"x3\" is not a whole number" + pixel);
  EXPECT_EQ(message("0,1,,3,4\n"), "[data] x.csv:1: column 3: \"\" is not a whole number" + pixel);
  EXPECT_EQ(message("0,1,2.5,3,4\n"), "[data] x.csv:1: column 3: \"2.5\" is not a whole number" + pixel);
  EXPECT_EQ(message("0,1,2,256,4\n"), "[data] x.csv:1: column 4: pixel 256 is not from 0 to 255" + pixel);
  EXPECT_EQ(message("0,1,2,3,-4\n"), "[data] x.csv:1: column 5: pixel -4 is not from 0 to 255" + pixel);
  EXPECT_EQ(message("65536,1,2,3,4\n"), "[data] x.csv:1: column 1: label 65536 is not from 0 to 65535" + label);
  EXPECT_EQ(message("0,1,2,3,4\nshirt,1,2,3,4\n"), "[data] x.csv:2: column 1: \"shirt\" is not a whole number" + label);
  EXPECT_EQ(message("0,1,2,3\n"),
            "[data] x.csv:1: 3 columns of pixels are no square picture\n"
            "  try  a header that ends in the row, column and channel of the last pixel, as pixel_27_27_0");
  EXPECT_EQ(message(""), "[data] x.csv: the file is empty" + row);
  EXPECT_EQ(message("label,pixel1\n"), "[data] x.csv: holds no row with a picture" + row);
}

}  // namespace
}  // namespace lapel::formats
