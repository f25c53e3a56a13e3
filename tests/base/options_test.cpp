#include "base/options.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <limits>

#include "lapel/error.h"

namespace lapel {
namespace {

struct Thing {
  std::int64_t units = 10;
  double rate = 0.5;
  bool use_bias = true;
  std::string padding = "valid";
  IntPair kernel_size = {3, 3};
  std::string name;
  bool operator==(const Thing&) const = default;
};

std::span<const Option<Thing>> things() {
  static const std::vector<Option<Thing>> options{
      {.key = "units", .member = &Thing::units, .help = "how many", .min = 1, .max = 1000, .required = true},
      {.key = "rate",
       .member = &Thing::rate,
       .help = "share",
       .min = 0,
       .max = 1,
       .above_min = true,
       .below_max = true},
      {.key = "use_bias", .member = &Thing::use_bias, .help = "whether"},
      {.key = "padding", .member = &Thing::padding, .help = "how", .choices = {"valid", "same"}},
      {.key = "kernel_size", .member = &Thing::kernel_size, .help = "size", .min = 1},
      {.key = "name", .member = &Thing::name, .help = "any"},
  };
  return options;
}

Thing read(OptionValues values) {
  values.try_emplace("units", std::int64_t{4});
  return read_options(things(), values);
}

std::string message(const OptionValues& values) {
  try {
    (void)read(values);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kRecipe);
    EXPECT_EQ(error.place(), "");
    return error.what();
  }
  return "no error";
}

using List = std::vector<std::int64_t>;

TEST(Options, DefaultsAndValues) {
  EXPECT_EQ(read({}), (Thing{4, 0.5, true, "valid", {3, 3}, ""}));
  EXPECT_EQ(read({{"units", std::int64_t{7}},
                  {"rate", 0.25},
                  {"use_bias", false},
                  {"padding", std::string("same")},
                  {"kernel_size", List{2, 5}},
                  {"name", std::string("x")}}),
            (Thing{7, 0.25, false, "same", {2, 5}, "x"}));
}

TEST(Options, AnIntegerIsANumberAndAPair) {
  EXPECT_EQ(read({{"kernel_size", std::int64_t{5}}}).kernel_size, (IntPair{5, 5}));
  const OptionRule rule{"x", 0.5, "", {}, {}, false, false, false, false, {}};
  EXPECT_EQ(checked_value(rule, std::int64_t{3}), OptionValue(3.0));
}

TEST(Options, ANumberOrAListIsARange) {
  OptionRule rule{"factor", NumberRange{0.5, 1}, "", -1, 1, false, false, false, false, {}};
  const auto range = [&](const OptionValue& given) { return std::get<NumberRange>(checked_value(rule, given)); };
  EXPECT_EQ(range(0.25), (NumberRange{0, 0.25}));
  EXPECT_EQ(range(std::int64_t{1}), (NumberRange{0, 1}));
  EXPECT_EQ(range(NumberRange{0.5, -0.25}), (NumberRange{-0.25, 0.5})) << "in order";
  EXPECT_EQ(range(List{0, 1}), (NumberRange{0, 1}));
  rule.symmetric = true;
  EXPECT_EQ(range(0.25), (NumberRange{-0.25, 0.25}));
  EXPECT_EQ(option_text(checked_value(rule, std::int64_t{0})), "[0.0, 0.0]");
  const auto refusal = [&](const OptionValue& given) {
    try {
      (void)checked_value(rule, given);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(refusal(1.5),
            "factor = 1.5 is not allowed\n  allowed  at least -1 and at most 1        try  factor = [0.5, 1.0]");
  EXPECT_EQ(refusal(NumberRange{0.1, 0.2, 0.3}),
            "factor = [0.1, 0.2, 0.3] is not allowed\n"
            "  allowed  a number or a list of two numbers        try  factor = [0.5, 1.0]");
  EXPECT_EQ(refusal(List{}),
            "factor = [] is not allowed\n"
            "  allowed  a number or a list of two numbers        try  factor = [0.5, 1.0]");
  rule.default_value = NumberRange{};
  EXPECT_EQ(range(List{}), NumberRange{}) << "where that is the default";
}

TEST(Options, WriteReadsBack) {
  rc::check("read(write(thing)) == thing", [] {
    Thing thing;
    thing.units = *rc::gen::inRange<std::int64_t>(1, 1001);
    thing.rate = *rc::gen::inRange(1, 1000) / 1000.0;
    thing.use_bias = *rc::gen::arbitrary<bool>();
    thing.padding = *rc::gen::element<std::string>("valid", "same");
    thing.kernel_size = {*rc::gen::inRange<std::int64_t>(1, 100), *rc::gen::inRange<std::int64_t>(1, 100)};
    thing.name = *rc::gen::arbitrary<std::string>();
    RC_ASSERT(read_options(things(), write_options(things(), thing)) == thing);
  });
}

TEST(OptionErrors, UnknownKey) {
  EXPECT_EQ(message({{"padings", std::string("same")}}),
            "unknown option \"padings\"\n"
            "  known  units, rate, use_bias, padding, kernel_size, name        try  padding");
  EXPECT_EQ(message({{"completely_else", true}}),
            "unknown option \"completely_else\"\n  known  units, rate, use_bias, padding, kernel_size, name");
}

TEST(OptionErrors, MissingKey) {
  try {
    (void)read_options(things(), {});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "option \"units\" is missing\n  try  units = ...   (how many)");
  }
}

TEST(OptionErrors, WrongType) {
  EXPECT_EQ(message({{"units", 2.5}}), "units = 2.5 is not allowed\n  allowed  an integer");
  EXPECT_EQ(message({{"units", std::string("2")}}), "units = \"2\" is not allowed\n  allowed  an integer");
  EXPECT_EQ(message({{"rate", true}}), "rate = true is not allowed\n  allowed  a number        try  rate = 0.5");
  EXPECT_EQ(message({{"use_bias", std::int64_t{1}}}),
            "use_bias = 1 is not allowed\n  allowed  true or false        try  use_bias = true");
  EXPECT_EQ(message({{"padding", std::int64_t{1}}}),
            "padding = 1 is not allowed\n  allowed  a text in quotes        try  padding = \"valid\"");
  EXPECT_EQ(message({{"kernel_size", List{1, 2, 3}}}),
            "kernel_size = [1, 2, 3] is not allowed\n"
            "  allowed  an integer or a list of two integers        try  kernel_size = [3, 3]");
  EXPECT_EQ(message({{"kernel_size", 1.5}}),
            "kernel_size = 1.5 is not allowed\n"
            "  allowed  an integer or a list of two integers        try  kernel_size = [3, 3]");
}

TEST(OptionErrors, OutOfRange) {
  EXPECT_EQ(message({{"units", std::int64_t{0}}}), "units = 0 is not allowed\n  allowed  at least 1 and at most 1000");
  EXPECT_EQ(message({{"units", std::int64_t{1001}}}),
            "units = 1001 is not allowed\n  allowed  at least 1 and at most 1000");
  EXPECT_EQ(message({{"rate", 0.0}}),
            "rate = 0.0 is not allowed\n  allowed  above 0 and below 1        try  rate = 0.5");
  EXPECT_EQ(message({{"rate", std::int64_t{1}}}),
            "rate = 1 is not allowed\n  allowed  above 0 and below 1        try  rate = 0.5");
  EXPECT_EQ(message({{"rate", std::numeric_limits<double>::quiet_NaN()}}),
            "rate = nan is not allowed\n  allowed  above 0 and below 1        try  rate = 0.5");
  EXPECT_EQ(message({{"kernel_size", List{3, 0}}}),
            "kernel_size = [3, 0] is not allowed\n  allowed  at least 1        try  kernel_size = [3, 3]");
}

TEST(OptionErrors, NoneOfTheChoices) {
  EXPECT_EQ(message({{"padding", std::string("Same")}}),
            "padding = \"Same\" is not allowed\n  allowed  \"valid\" or \"same\"        try  padding = \"same\"");
  EXPECT_EQ(message({{"padding", std::string("nothing like it")}}),
            "padding = \"nothing like it\" is not allowed\n"
            "  allowed  \"valid\" or \"same\"        try  padding = \"valid\"");
}

TEST(Options, NearestWord) {
  constexpr std::array<std::string_view, 3> kWords{"Dense", "Dropout", "Conv2D"};
  EXPECT_EQ(nearest_word("dense", kWords), "Dense");
  EXPECT_EQ(nearest_word("Conv2d", kWords), "Conv2D");
  EXPECT_EQ(nearest_word("Dropuot", kWords), "Dropout");
  EXPECT_EQ(nearest_word("BatchNormalization", kWords), "");
  EXPECT_EQ(nearest_word("x", {}), "");
}

TEST(Options, TextIsToml) {
  EXPECT_EQ(option_text(true), "true");
  EXPECT_EQ(option_text(std::int64_t{-3}), "-3");
  EXPECT_EQ(option_text(0.001), "0.001");
  EXPECT_EQ(option_text(2.0), "2.0");
  EXPECT_EQ(option_text(1e-7), "1e-07");
  EXPECT_EQ(option_text(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(option_text(std::string("a \"b\" \\ \n")), R"("a \"b\" \\ \u000a")");
  EXPECT_EQ(option_text(List{2, 3}), "[2, 3]");
}

TEST(Options, RangeInWords) {
  OptionRule rule{"x", 0.5, "", {}, {}, false, false, false, false, {}};
  EXPECT_EQ(range_text(rule), "");
  rule.min = 0;
  EXPECT_EQ(range_text(rule), "at least 0");
  rule.above_min = true;
  EXPECT_EQ(range_text(rule), "above 0");
  rule.max = 2;
  EXPECT_EQ(range_text(rule), "above 0 and at most 2");
  rule.below_max = true;
  EXPECT_EQ(range_text(rule), "above 0 and below 2");
  rule.min.reset();
  EXPECT_EQ(range_text(rule), "below 2");
  rule.choices = {"a", "b", "c"};
  EXPECT_EQ(range_text(rule), "\"a\", \"b\" or \"c\"");
}

}  // namespace
}  // namespace lapel
