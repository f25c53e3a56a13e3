#include "data/splits.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "support/temp_folder.h"

namespace lapel::data {
namespace {

using lapel::testing::message_of;

DataSpec spec(std::string validation, double split, std::int64_t limit) {
  DataSpec result;
  result.validation = std::move(validation);
  result.validation_split = split;
  result.limit = limit;
  return result;
}

std::vector<std::int64_t> numbers(const DataSpec& wanted, std::int64_t samples) {
  const Splits splits = split_training(wanted, samples);
  return {splits.train.first, splits.train.count, splits.validation.first, splits.validation.count};
}

using Numbers = std::vector<std::int64_t>;

TEST(SplitTraining, TakesTheEndForValidation) {
  EXPECT_EQ(numbers(spec("", 0, 0), 60000), (Numbers{0, 60000, 60000, 0}));
  EXPECT_EQ(numbers(spec("last 5000", 0, 0), 60000), (Numbers{0, 55000, 55000, 5000}));
  EXPECT_EQ(numbers(spec("last 5000", 0, 20000), 60000), (Numbers{0, 15000, 15000, 5000}));
  EXPECT_EQ(numbers(spec("", 0, 100000), 60000), (Numbers{0, 60000, 60000, 0}));
}

TEST(SplitTraining, FractionsAsKeras) {
  // Python: math.floor(n * (1.0 - validation_split))
  EXPECT_EQ(numbers(spec("", 0.1, 0), 60000), (Numbers{0, 54000, 54000, 6000}));
  EXPECT_EQ(numbers(spec("", 0.2, 0), 5), (Numbers{0, 4, 4, 1}));
  EXPECT_EQ(numbers(spec("", 0.9, 0), 60000), (Numbers{0, 5999, 5999, 54001}));
  EXPECT_EQ(numbers(spec("", 0.33, 0), 10), (Numbers{0, 6, 6, 4}));
  EXPECT_EQ(numbers(spec("", 0.1, 1001), 60000), (Numbers{0, 900, 900, 101}));
}

TEST(SplitTraining, SharesOfAnyKind) {
  for (const std::string kind : {"last ", "stratified ", "random ", ""}) {
    EXPECT_EQ(numbers(spec(kind + "10%", 0, 0), 60000), (Numbers{0, 54000, 54000, 6000})) << kind;
    EXPECT_EQ(numbers(spec(kind + "2.5%", 0, 1000), 60000), (Numbers{0, 975, 975, 25})) << kind;
  }
}

/// Pictures of one pixel, their place in the data set; labels as given.
DataSet numbered(const std::vector<Label>& labels) {
  DataSet data;
  data.class_names = {"a", "b", "c"};
  data.train.labels = labels;
  data.train.pictures = {static_cast<std::int64_t>(labels.size()), 1, 1, 1, {}};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    data.train.pictures.pixels.push_back(static_cast<std::uint8_t>(i));
  }
  return data;
}

std::vector<Label> in_order(std::size_t count) {
  std::vector<Label> labels;
  for (std::size_t i = 0; i < count; ++i) {
    labels.push_back(static_cast<Label>(3 * i / count));
  }
  return labels;
}

TEST(Divide, TakesTheSameShareOfEachClass) {
  const DataSet data = numbered(in_order(60));
  for (const std::string rule : {"stratified 20%", "20%", "stratified 12"}) {
    Findings findings;
    const Division division = divide(data, spec(rule, 0, 0), findings);
    EXPECT_EQ(division.splits.validation.count, 12) << rule;
    EXPECT_TRUE(findings.empty()) << rule;
    const LabeledPictures all = in_order_of(division, data);
    std::vector<int> counts(3);
    for (std::size_t i = 48; i < 60; ++i) {
      ++counts[all.labels[i]];
      EXPECT_EQ(all.labels[i], data.train.labels[all.pictures.pixels[i]]);
    }
    EXPECT_EQ(counts, (std::vector<int>{4, 4, 4})) << rule;
    std::vector<std::uint8_t> seen = all.pictures.pixels;
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, data.train.pictures.pixels) << rule;
  }
}

TEST(Divide, SaysWhatTheValidationPartLacks) {
  Findings findings;
  const Division last = divide(numbered(in_order(60)), spec("", 0.2, 0), findings);
  EXPECT_TRUE(last.order.empty());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].kind, FindingKind::kWarning);
  EXPECT_EQ(findings[0].count, 2);
  EXPECT_EQ(findings[0].examples, (std::vector<std::string>{"a", "b"}));
}

TEST(Divide, TheDataSetsOwnPartComesFirst) {
  DataSet data = numbered(in_order(9));
  data.validation = numbered({0, 1, 2}).train;
  Findings findings;
  const Division division = divide(data, spec("last 3", 0, 6), findings);
  EXPECT_TRUE(division.own_validation);
  EXPECT_EQ(division.splits.train.count, 6);
  EXPECT_EQ(division.splits.validation.first, 6);
  const LabeledPictures all = in_order_of(division, data);
  EXPECT_EQ(all.pictures.pixels, (std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 0, 1, 2}));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].what, "validation is the data set's own part, not what the recipe says");
}

TEST(BalancedOrder, EveryClassComesAsOften) {
  std::vector<Label> labels(40, 0);
  std::fill(labels.begin() + 30, labels.begin() + 36, Label{1});
  std::fill(labels.begin() + 36, labels.end(), Label{2});
  std::vector<std::uint32_t> order;
  std::vector<std::uint32_t> next;
  balanced_order({0, 39}, labels, 1, 1, order);
  std::vector<int> counts(3);
  for (const std::uint32_t sample : order) {
    EXPECT_LT(sample, 39U);
    ++counts[labels[sample]];
  }
  EXPECT_EQ(counts, (std::vector<int>{13, 13, 13}));
  balanced_order({0, 39}, labels, 1, 1, next);
  EXPECT_EQ(order, next);
  balanced_order({0, 39}, labels, 1, 2, next);
  EXPECT_NE(order, next);
}

std::string message(const DataSpec& wanted, std::int64_t samples) {
  return message_of([&] { return split_training(wanted, samples); });
}

TEST(SplitTraining, SaysWhatCannotBe) {
  EXPECT_EQ(message(spec("last 5000", 0.1, 0), 60000),
            "[recipe] data: both validation and validation_split are given\n"
            "  validation  \"last 5000\"        validation_split  0.1        try  one of them");
  for (const std::string text : {"first 5000", "last", "last ", "last 0", "last -3", "last 5000x", "5000", "last 1e3",
                                 "last 99999999999999999999", "10.5", "random 100%", "stratified 0%"}) {
    EXPECT_EQ(message(spec(text, 0, 0), 60000),
              "[recipe] data: validation = \"" + text +
                  "\" is not allowed\n"
                  "  allowed  \"last N\", \"stratified N\" or \"random N\", where N is "
                  "a number, at least 1, or a share, as 10%"
                  "        try  validation = \"stratified 10%\"");
  }
  EXPECT_EQ(message(spec("last 5000", 0, 5000), 60000),
            "[recipe] data: validation = \"last 5000\" leaves nothing to train on\n"
            "  samples  5000        try  validation = \"last 500\"");
  EXPECT_EQ(message(spec("", 1.0, 0), 60000),
            "[recipe] data: validation_split = 1 is not allowed\n"
            "  allowed  from 0 to below 1        try  validation_split = 0.1");
  EXPECT_EQ(message(spec("", -0.1, 0), 60000),
            "[recipe] data: validation_split = -0.1 is not allowed\n"
            "  allowed  from 0 to below 1        try  validation_split = 0.1");
  EXPECT_EQ(message(spec("", 0.1, 0), 1),
            "[recipe] data: validation_split = 0.1 of 1 samples leaves 0 to train on and 1 to validate with\n"
            "  try  more samples, or another validation_split");
  EXPECT_EQ(message(spec("", 0, -1), 60000),
            "[recipe] data: limit = -1 is not allowed\n  allowed  at least 0        try  limit = 20000");
  EXPECT_EQ(message(spec("", 0, 0), 0), "[recipe] data: there are no samples to train on\n  try  another data set");
}

TEST(EpochOrder, AsTheyLie) {
  std::vector<std::uint32_t> order;
  epoch_order({5, 3}, false, 1, 2, order);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{5, 6, 7}));
  epoch_order({5, 0}, true, 1, 2, order);
  EXPECT_TRUE(order.empty());
}

TEST(EpochOrder, IsAPermutationOfTheRange) {
  EXPECT_TRUE(rc::check("a permutation", [](std::uint64_t seed, std::uint32_t epoch) {
    const std::int64_t first = *rc::gen::inRange<std::int64_t>(0, 1000);
    const std::int64_t count = *rc::gen::inRange<std::int64_t>(0, 500);
    std::vector<std::uint32_t> order;
    epoch_order({first, count}, true, seed, epoch, order);
    std::sort(order.begin(), order.end());
    std::vector<std::uint32_t> wanted(static_cast<std::size_t>(count));
    std::iota(wanted.begin(), wanted.end(), static_cast<std::uint32_t>(first));
    RC_ASSERT(order == wanted);
  }));
}

TEST(EpochOrder, DependsOnSeedAndEpochAlone) {
  std::vector<std::uint32_t> a;
  std::vector<std::uint32_t> b = {9, 9, 9};
  epoch_order({0, 100}, true, 1, 3, a);
  epoch_order({0, 100}, true, 1, 3, b);
  EXPECT_EQ(a, b);
  epoch_order({0, 100}, true, 2, 3, b);
  EXPECT_NE(a, b);
  epoch_order({0, 100}, true, 1, 4, b);
  EXPECT_NE(a, b);
}

// Repeated with a Philox4x32-10 written in Python, which gives the known answer of Random123 for zeros.
TEST(EpochOrder, StaysTheSameInLaterVersions) {
  std::vector<std::uint32_t> order;
  epoch_order({0, 10}, true, 1, 0, order);
  EXPECT_EQ(order, (std::vector<std::uint32_t>{8, 9, 6, 4, 2, 5, 1, 3, 0, 7}));
}

TEST(EpochOrder, EveryPlaceIsAsLikely) {
  // 24 orders of 4, 24,000 draws: chi-square with 23 degrees of freedom is below 49.7 with probability 0.999.
  std::vector<int> counts(256);
  std::vector<std::uint32_t> order;
  for (std::uint32_t epoch = 0; epoch < 24'000; ++epoch) {
    epoch_order({0, 4}, true, 7, epoch, order);
    ++counts[order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3]];
  }
  double chi_square = 0;
  int seen = 0;
  for (const int count : counts) {
    if (count > 0) {
      chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
      ++seen;
    }
  }
  EXPECT_EQ(seen, 24);
  EXPECT_LT(chi_square, 49.7);
}

TEST(EpochOrder, KeepsItsMemory) {
  std::vector<std::uint32_t> order;
  epoch_order({0, 1000}, true, 1, 0, order);
  const std::uint32_t* before = order.data();
  epoch_order({0, 1000}, true, 1, 1, order);
  EXPECT_EQ(order.data(), before);
}

}  // namespace
}  // namespace lapel::data
