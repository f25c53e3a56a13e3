#include "lapel/error.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace lapel {
namespace {

TEST(Error, IsTheDesignsExample) {
  const Error error(ErrorKind::kRecipe, "fashion.toml:31, layer 'conv3' (Conv2D)",
                    "kernel 5x5 does not fit the 3x3 input (padding \"valid\")",
                    {{"input", "64 x 3 x 3 x 64 from 'pool2'"}}, "padding = \"same\", or kernel_size = 3");
  EXPECT_STREQ(error.what(),
               "fashion.toml:31, layer 'conv3' (Conv2D): kernel 5x5 does not fit the 3x3 input (padding \"valid\")\n"
               "  input  64 x 3 x 3 x 64 from 'pool2'        try  padding = \"same\", or kernel_size = 3");
}

TEST(Error, PartsMayBeLeftOut) {
  EXPECT_STREQ(Error(ErrorKind::kData, {}, "the problem").what(), "the problem");
  EXPECT_STREQ(Error(ErrorKind::kData, "here", "the problem").what(), "here: the problem");
  EXPECT_STREQ(Error(ErrorKind::kData, {}, "the problem", {}, "this").what(), "the problem\n  try  this");
  EXPECT_STREQ(Error(ErrorKind::kData, {}, "the problem", {{"a", "1"}, {"b", "2"}}).what(),
               "the problem\n  a  1        b  2");
}

TEST(Error, KeepsItsParts) {
  const Error error(ErrorKind::kNumeric, "step 3", "the loss is not finite", {{"loss", "nan"}}, "a smaller rate");
  EXPECT_EQ(error.kind(), ErrorKind::kNumeric);
  EXPECT_EQ(error.place(), "step 3");
  EXPECT_EQ(error.problem(), "the loss is not finite");
  ASSERT_EQ(error.facts().size(), 1U);
  EXPECT_EQ(error.facts()[0].label, "loss");
  EXPECT_EQ(error.facts()[0].value, "nan");
  EXPECT_EQ(error.hint(), "a smaller rate");
}

TEST(Error, WithinPutsTheOuterPlaceFirst) {
  const Error inner(ErrorKind::kRecipe, "layer 'dense'", "units = 0 is not allowed", {{"allowed", "at least 1"}});
  const Error outer = inner.within("x.toml:4");
  EXPECT_STREQ(outer.what(), "x.toml:4, layer 'dense': units = 0 is not allowed\n  allowed  at least 1");
  EXPECT_EQ(outer.kind(), ErrorKind::kRecipe);
  EXPECT_STREQ(Error(ErrorKind::kRecipe, {}, "p").within("x").what(), "x: p");
  EXPECT_STREQ(Error(ErrorKind::kRecipe, "y", "p").within("").what(), "y: p");
  EXPECT_STREQ(Error(ErrorKind::kRecipe, {}, "p").within("").what(), "p");
}

TEST(Error, WhatIsEchoedIsShortAndSafeOnATerminal) {
  EXPECT_STREQ(Error(ErrorKind::kData, "a\x1b[2J", "b\x7f",
                     {{"c",
                       "\xc2\x9b"
                       "31m"}},
                     "d\r")
                   .what(),
               "a\\x1b[2J: b\\x7f\n  c  \\x9b31m        try  d\\x0d");
  const std::string longer(10'000, 'x');
  const Error error(ErrorKind::kData, longer, longer, {{"a", longer}, {"b", longer}, {"c", longer}}, longer);
  EXPECT_LT(std::string(error.what()).size(), 2000U);
  EXPECT_EQ(error.place(), longer);  // For those who go on with it.
  std::string letters;
  for (int i = 0; i < 1000; ++i) {
    letters += "ö";
  }
  const std::string shown = Error(ErrorKind::kData, {}, letters).what();
  EXPECT_EQ(shown.substr(0, 2), "ö");
  EXPECT_EQ(shown.substr(shown.find(" [") - 2, 9), "ö [...] ");
}

TEST(Error, CopiesWithoutThrowing) {
  static_assert(std::is_nothrow_copy_constructible_v<Error>);
  static_assert(std::is_nothrow_copy_assignable_v<Error>);
  const Error error(ErrorKind::kIo, "f", "gone");
  const Error copy = error;
  EXPECT_STREQ(copy.what(), error.what());
}

/// Names of files and classes may be anybody's, and messages go to terminals.
TEST(ErrorText, HasNoControlCharactersAndNoEndlessParts) {
  const Error escapes(ErrorKind::kData, "a\x1b[31m\nerror: b", "\x7f\xc2\x9b und größer", {{"name", "\r\t"}}, "c\n");
  EXPECT_STREQ(escapes.what(), "a\\x1b[31m\\nerror: b: \\x7f\\x9b und größer\n  name  \\x0d\\x09        try  c\\n");
  const std::string endless = "begin" + std::string(100'000, 'x') + "end";
  const std::string text = Error(ErrorKind::kData, endless, endless, {{"name", endless}}, endless).what();
  EXPECT_LT(text.size(), 2100U);
  EXPECT_EQ(text.substr(0, 6), "beginx");
  EXPECT_EQ(text.substr(text.size() - 4), "xend");
  // Never in the middle of a character.
  std::string umlauts;
  for (int i = 0; i < 600; ++i) {
    umlauts += "ü";
  }
  const std::string shortened = Error(ErrorKind::kData, "x" + umlauts, "p").what();
  EXPECT_EQ(shortened.find("ü [...] ü"), shortened.find(" [...] ") - 2);
}

}  // namespace
}  // namespace lapel
