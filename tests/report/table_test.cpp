#include <gtest/gtest.h>

#include "lapel/report.h"
#include "report/golden.h"
#include "report/text.h"

namespace lapel {
namespace {

using Row = std::vector<std::string>;
using testing::golden;

const Row kFashion{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                   "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

TEST(GridTable, OfCountsIsTabulates) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < kFashion.size(); ++i) {
    rows.push_back({std::to_string(i), kFashion[i], std::to_string(6000 - i * 555)});
  }
  EXPECT_EQ(grid_table(Row{"Label", "Class", "train"}, rows), golden("grid_counts.txt"));
}

TEST(GridTable, TreatsEmptyCellsAndGroupedDigitsAsTabulateDoes) {
  const std::vector<Row> rows{{"0", "Été", "1,234"}, {"", "Trouser", ""}, {"2", "1:05", "7"}};
  EXPECT_EQ(grid_table(Row{"Label", "Class", "n"}, rows), golden("grid_missing.txt"));
}

TEST(GridTable, AlignsNumbersRightAndOthersLeft) {
  const std::vector<Row> rows{{"0.5000", "", "x"}, {"10.2500", "", "-3"}, {"-0.1000", "", "nan"}};
  EXPECT_EQ(grid_table(Row{"acc", "", "mixed"}, rows), golden("grid_decimals.txt"));
}

TEST(GridTable, WithoutRowsIsTabulates) { EXPECT_EQ(grid_table(Row{"accuracy", "b"}, {}), golden("grid_empty.txt")); }

TEST(GridTable, KnowsWhatIsANumber) {
  const auto numeric = [](const std::string& cell) {
    const std::vector<Row> rows{{cell}};
    return grid_table(Row{"a header that is longer"}, rows).find(" " + cell + " |") != std::string::npos;
  };
  for (const char* const number : {"0", "-1.5", "1e-05", "nan", "inf", "1,234", "12,345,678.9", "-1,000", "+5"}) {
    EXPECT_TRUE(numeric(number)) << number;
  }
  for (const char* const word :
       {"1,23", ",123", "1234,567,", "1.5s", "1:05", "0x10", "-", "12 %", "1.234,567", "+", "+-5", "++5"}) {
    EXPECT_FALSE(numeric(word)) << word;
  }
}

TEST(GridTable, FillsShortRows) {
  const std::vector<Row> rows{{"x"}, {"y", "2"}};
  EXPECT_EQ(grid_table(Row{"a", "b"}, rows),
            "+-----+-----+\n"
            "| a   |   b |\n"
            "+=====+=====+\n"
            "| x   |     |\n"
            "+-----+-----+\n"
            "| y   |   2 |\n"
            "+-----+-----+\n");
}

TEST(Text, CountsCharactersNotBytes) {
  EXPECT_EQ(report::text_width("größe…"), 6U);
  EXPECT_EQ(report::first_characters("größe", 3), "grö");
  EXPECT_EQ(report::first_characters("größe", 9), "größe");
  EXPECT_EQ(report::pad_left("é", 3), "  é");
  EXPECT_EQ(report::pad_right("é", 3), "é  ");
  EXPECT_EQ(report::pad_right("long", 3), "long");
}

TEST(Text, GroupsDigits) {
  EXPECT_EQ(report::grouped(0), "0");
  EXPECT_EQ(report::grouped(999), "999");
  EXPECT_EQ(report::grouped(1000), "1,000");
  EXPECT_EQ(report::grouped(-123456), "-123,456");
  EXPECT_EQ(report::grouped(-1234567), "-1,234,567");
}

}  // namespace
}  // namespace lapel
