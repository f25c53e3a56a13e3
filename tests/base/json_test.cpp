#include "base/json.h"

#include <gtest/gtest.h>

#include <string>

#include "lapel/error.h"
#include "support/messages.h"

namespace lapel {

namespace {

[[noreturn]] void refuse(const JsonProblem& problem) {
  throw Error(ErrorKind::kData, "x", problem.words + (problem.byte ? " at byte " + std::to_string(*problem.byte) : ""));
}

std::string message(const std::string& text) {
  return test::message_of([&] { return parse_json(text, refuse); });
}

TEST(ParseJson, WithinItsLimits) {
  EXPECT_EQ(message("[1, 2.5, {\"a\": null}]"), "no error");
  EXPECT_EQ(message("[1,"), "x: is not JSON at byte 4");
  EXPECT_EQ(message("[1e999]"), "x: has a number beyond those of float64");
  EXPECT_EQ(message(R"({"a": {"b": 1, "b": 2}})"), "x: has the key 'b' twice");
  EXPECT_EQ(message(R"([{"b": 1}, {"b": 2}])"), "no error");
  const std::string deep(kDeepest, '[');
  EXPECT_EQ(message(deep + std::string(kDeepest, ']')), "no error");
  EXPECT_EQ(message(deep + "["), "x: has more than 64 lists or objects within each other");
}

TEST(ParseJson, CountsWhatValuesTake) {
  const auto with = [](const std::string& text, std::size_t most) {
    return test::message_of([&] { return parse_json(text, refuse, most); });
  };
  EXPECT_EQ(with("[1,2,3]", 7), "no error");
  EXPECT_EQ(with("[1,2,3]", 6), "x: has more values than are read");
  EXPECT_EQ(with(R"({"a":"b"})", 16), "no error");
  EXPECT_EQ(with(R"({"a":"b"})", 15), "x: has more values than are read");
}

TEST(JsonValue, NamesTheWayToWhatItRefuses) {
  const JsonRefusal words = refuse;
  const nlohmann::json json = nlohmann::json::parse(
      R"({"a": {"b": [1, -1, 300]}, "n": 18446744073709551615, "t": ["x", 1], "f": 1e300, "s": "text"})");
  const JsonValue value(json, words);
  const auto message_of = [&](const auto& read) { return test::message_of([&] { return read(value); }); };
  EXPECT_EQ(message_of([](const auto& v) { return v.at("c"); }), "x: has no \"c\"");
  EXPECT_EQ(message_of([](const auto& v) { return v.at("a").at("b").text(); }), "x: \"a.b\" is no text");
  EXPECT_EQ(message_of([](const auto& v) { return v.at("a").at("b").items(4).size(); }),
            "x: \"a.b\" has 3 values, 4 are wanted");
  EXPECT_EQ(message_of([](const auto& v) { return v.at("a").at("b").items()[1].integer(0); }),
            "x: \"a.b[1]\" is -1, 0 or more is wanted");
  EXPECT_EQ(message_of([](const auto& v) { return v.at("a").at("b").template integers<std::uint8_t>(); }),
            "x: \"a.b\" is no list of integers from 0 to 255");
  EXPECT_EQ(message_of([](const auto& v) { return v.at("n").integer(); }),
            "x: \"n\" is an integer beyond what is possible");
  EXPECT_EQ(message_of([](const auto& v) { return v.at("f").integer(); }), "x: \"f\" is no integer");
  EXPECT_EQ(message_of([](const auto& v) { return v.at("f").number_from(0, 1); }),
            "x: \"f\" is 1e+300, a number from 0 to 1 is wanted");
  EXPECT_EQ(message_of([](const auto& v) { return v.at("t").texts(); }), "x: \"t\" is no list of texts");
  EXPECT_EQ(message_of([](const auto& v) { return v.at("s").number(); }), "x: \"s\" is no number");
  EXPECT_EQ(message_of([](const auto& v) { return v.at("s").find("t").has_value(); }), "x: \"s\" is no object");
  EXPECT_FALSE(value.find("nothing").has_value());
}

}  // namespace

}  // namespace lapel
