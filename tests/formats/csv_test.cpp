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
    CsvPictures pictures{height, width, channels, {0, 65535, 7}, {}, {}, 1, {}};
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
  CsvPictures pictures{16, 16, 1, {}, {}, {}, 1, {}};
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

TEST(Csv, TheColumnThatIsNamedForLabelsHoldsThem) {
  for (const std::string_view content :
       {"p1,p2,p3,p4,label\n0,1,2,255,9\n10,11,12,13,0\n", "p1,p2,Class,p3,p4\n0,1,9,2,255\n10,11,0,12,13\n",
        ",target,p1,p2,p3,p4\n0,9,0,1,2,255\n1,0,10,11,12,13\n", "label;p1;p2;p3;p4\n9;0;1;2;255\n0;10;11;12;13\n",
        "\"label\",\"p1\",\"p2\",\"p3\",\"p4\"\n\"9\",\"0\",\"1\",\"2\",\"255\"\n\"0\",10,11,12,13\n",
        "label,p1,p2,p3,p4\n9.0,0,1.0,2,2.55e2\n\n0,10,11,12,13\n"}) {
    const CsvPictures pictures = read(content);
    EXPECT_EQ(pictures.labels, (Labels{9, 0})) << content;
    EXPECT_EQ(pictures.pixels, (Bytes{0, 1, 2, 255, 10, 11, 12, 13})) << content;
  }
}

TEST(Csv, WordsAreClassesAndNoLabelsAreNone) {
  const CsvPictures words = read("9,1,2,3,4\nshirt,1,2,3,4\n\"a, b\",1,2,3,4\n");
  EXPECT_EQ(words.label_words, (std::vector<std::string>{"9", "a, b", "shirt"}));
  EXPECT_EQ(words.labels, (Labels{0, 2, 1}));
  const CsvPictures none = read("p1,p2,p3,p4\n1,2,3,4\n5,6,7,8\n");
  EXPECT_TRUE(none.labels.empty());
  EXPECT_EQ(none.count(), 2);
}

TEST(Csv, SharesAndDecimals) {
  EXPECT_EQ(read("0,0.0,0.5,1.0,0.2\n1,1,0,0.999,1\n").pixels, (Bytes{0, 128, 255, 51, 255, 0, 255, 255}));
  EXPECT_EQ(read("0,0.4,0.6,250.5,2\n").pixels, (Bytes{0, 1, 251, 2}));
  EXPECT_EQ(read("0,0,1,1,0\n").pixels, (Bytes{0, 255, 255, 0}));
}

TEST(CsvErrors, WholeMessages) {
  const std::string row = "\n  try  a row a picture: label,pixel,pixel,...";
  const std::string pixel = "\n  try  pixels from 0 to 255, or from 0 to 1";
  const std::string label = "\n  try  labels as numbers or words, none of them empty";
  EXPECT_EQ(message("label,a,b,c,d\n0,1,2,3,4\n1,1,2,3\n"), "[data] x.csv:3: 4 values, 5 are wanted" + row);
  EXPECT_EQ(message("0,1,2,3,4\n1,1,2,3,4,5\n"), "[data] x.csv:2: 6 values, 5 are wanted" + row);
  EXPECT_EQ(message("0,1,2,3,4\n1,1,2,3,4,\n"), "[data] x.csv:2: 6 values, 5 are wanted" + row);
  EXPECT_EQ(message("0,1,2,3,4\n0,1,2,x3,4\n"), "[data] x.csv:2: column 4: \"x3\" is not a number" + pixel);
  EXPECT_EQ(message("0,1,2,3,4\n0,1,,3,4\n"), "[data] x.csv:2: column 3: \"\" is not a number" + pixel);
  EXPECT_EQ(message("0,1,2,256,4\n"), "[data] x.csv:1: column 4: pixel 256 is not from 0 to 255" + pixel);
  EXPECT_EQ(message("0,1,2,3,-4\n"), "[data] x.csv:1: column 5: pixel -4 is not from 0 to 255" + pixel);
  EXPECT_EQ(message("65536,1,2,3,4\n"), "[data] x.csv:1: column 1: label 65536 is not from 0 to 65535" + label);
  EXPECT_EQ(message("0,1,2,3,4\n,1,2,3,4\n"), "[data] x.csv:2: column 1: \"\" is not a number" + label);
  EXPECT_EQ(message("0,1,2,3,4,5,6\n"),
            "[data] x.csv:1: 6 columns of pixels are no square picture\n"
            "  try  a header that ends in the row, column and channel of the last pixel, as pixel_27_27_0");
  EXPECT_EQ(message(""), "[data] x.csv: the file is empty" + row);
  EXPECT_EQ(message("label,pixel1\n"), "[data] x.csv: holds no row with a picture" + row);
}

}  // namespace
}  // namespace lapel::formats
