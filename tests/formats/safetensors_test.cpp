#include "formats/safetensors.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "support/temp_folder.h"

namespace lapel::formats {
namespace {

using namespace std::string_view_literals;
using lapel::testing::message_of;
using lapel::testing::slurp;
using lapel::testing::TempFolder;

/// A file with this header (not padded) and these data.
std::string make_file(std::string_view header, std::string_view data) {
  const std::uint64_t length = header.size();
  std::string file(sizeof(length), '\0');
  std::memcpy(file.data(), &length, sizeof(length));
  return file.append(header).append(data);
}

std::string message(std::string_view content) {
  const TempFolder folder;
  return message_of([&] { return read_safetensors(folder.put("m", content)); }, folder.path());
}

std::string message(std::string_view header, std::string_view data) { return message(make_file(header, data)); }

// Written by Python's safetensors 0.8:
// save({"b": arange(6, float32).reshape(2, 3), "a": array([1.5], float32)}, metadata={"k": "v"})
constexpr std::string_view kPython =
    "\x88\0\0\0\0\0\0\0{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
    "\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[4,28]}} "
    "\0\0\xc0?\0\0\0\0\0\0\x80?\0\0\0@\0\0@@\0\0\x80@\0\0\xa0@"sv;

TEST(Safetensors, WritesTheBytesThatPythonWrites) {
  const TempFolder folder;
  const std::vector<float> a = {1.5F};
  const std::vector<float> b = {0, 1, 2, 3, 4, 5};
  const std::vector<TensorView> tensors = {{"a", {1}, a}, {"b", {2, 3}, b}};
  write_safetensors(folder.file("m"), {{"k", "v"}}, tensors);
  EXPECT_EQ(slurp(folder.file("m")), kPython);
}

TEST(Safetensors, ReadsWhatPythonWrote) {
  const TempFolder folder;
  const SafeTensors read = read_safetensors(folder.put("m", kPython));
  EXPECT_EQ(read.metadata, (std::map<std::string, std::string>{{"k", "v"}}));
  ASSERT_EQ(read.tensors.size(), 2U);
  EXPECT_EQ(read.tensors[0].name, "a");
  EXPECT_EQ(read.tensors[1].name, "b");
  EXPECT_EQ(read.tensors[1].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(read.tensors[1].values, (std::vector<float>{0, 1, 2, 3, 4, 5}));
}

TEST(Safetensors, KeepsTheOrderGiven) {
  const TempFolder folder;
  const std::vector<float> one = {1};
  const std::vector<TensorView> tensors = {{"z", {}, one}, {"empty", {0, 3}, {}}, {"a", {1, 1}, one}};
  write_safetensors(folder.file("m"), {}, tensors);
  EXPECT_EQ(slurp(folder.file("m")).find("__metadata__"), std::string::npos);
  const SafeTensors read = read_safetensors(folder.file("m"));
  ASSERT_EQ(read.tensors.size(), 3U);
  EXPECT_EQ(read.tensors[0].name, "z");
  EXPECT_EQ(read.tensors[0].shape, std::vector<std::int64_t>());
  EXPECT_EQ(read.tensors[1].name, "empty");
  EXPECT_TRUE(read.tensors[1].values.empty());
  EXPECT_EQ(read.tensors[2].name, "a");
}

TEST(Safetensors, RoundTripOfAnything) {
  const TempFolder folder;
  const bool held = rc::check("what was written is read", [&folder](const std::map<std::string, std::string>& texts) {
    // Any bits: NaN and infinities are kept too.
    const auto bits = *rc::gen::arbitrary<std::map<std::uint16_t, std::vector<std::uint32_t>>>();
    std::map<std::string, std::string> metadata;
    for (const auto& [key, value] : texts) {
      std::string ascii = value;
      for (char& letter : ascii) {
        letter = static_cast<char>(static_cast<unsigned char>(letter) % 128U);
      }
      metadata.emplace(std::to_string(key.size()) + "\"\\\n/", ascii);
    }
    std::vector<Tensor> tensors;
    for (const auto& [number, pattern] : bits) {
      Tensor tensor{"layer_" + std::to_string(number) + "/kernel", {static_cast<std::int64_t>(pattern.size()), 1}, {}};
      for (const std::uint32_t value : pattern) {
        tensor.values.push_back(std::bit_cast<float>(value));
      }
      tensors.push_back(std::move(tensor));
    }
    std::vector<TensorView> views;
    for (const Tensor& tensor : tensors) {
      views.push_back({tensor.name, tensor.shape, tensor.values});
    }
    const auto file = folder.file("m");
    write_safetensors(file, metadata, views);
    const std::string first = slurp(file);
    write_safetensors(file, metadata, views);
    RC_ASSERT(slurp(file) == first);
    const SafeTensors read = read_safetensors(file);
    RC_ASSERT(read.metadata == metadata);
    RC_ASSERT(read.tensors.size() == tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      RC_ASSERT(read.tensors[i].name == tensors[i].name);
      RC_ASSERT(read.tensors[i].shape == tensors[i].shape);
      const bool same = std::equal(read.tensors[i].values.begin(), read.tensors[i].values.end(),
                                   tensors[i].values.begin(), tensors[i].values.end(), [](float a, float b) {
                                     return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
                                   });
      RC_ASSERT(same);
    }
  });
  EXPECT_TRUE(held);
}

TEST(Safetensors, ConvertsOtherFloats) {
  const TempFolder folder;
  const double wide = 0.1;
  std::string data = "\x80\x3f\x49\xc0";
  // Halves: 1, -2, the smallest subnormal, the largest number, minus infinity, a NaN.
  data += "\x00\x3c\x00\xc0\x01\x00\xff\x7b\x00\xfc\x01\x7e"sv;
  data.append(reinterpret_cast<const char*>(&wide), sizeof(wide));
  const SafeTensors read =
      read_safetensors(folder.put("m", make_file(R"({"b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]},)"
                                                 R"("h":{"dtype":"F16","shape":[6],"data_offsets":[4,16]},)"
                                                 R"("d":{"dtype":"F64","shape":[1],"data_offsets":[16,24]}})",
                                                 data)));
  EXPECT_EQ(read.tensors[0].values, (std::vector<float>{1.0F, -3.140625F}));
  const std::vector<float>& halves = read.tensors[1].values;
  EXPECT_EQ(std::vector<float>(halves.begin(), halves.begin() + 5),
            (std::vector<float>{1.0F, -2.0F, 0x1p-24F, 65504.0F, -std::numeric_limits<float>::infinity()}));
  EXPECT_TRUE(std::isnan(halves[5]));
  EXPECT_EQ(read.tensors[2].values, std::vector<float>{0.1F});
}

TEST(Safetensors, EveryTruncationAndFlippedByteIsAnErrorOrReads) {
  const TempFolder folder;
  for (std::size_t length = 0; length < kPython.size(); ++length) {
    const auto file = folder.put("m", kPython.substr(0, length));
    EXPECT_THROW(static_cast<void>(read_safetensors(file)), Error) << length;
  }
  for (std::size_t at = 0; at < kPython.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged(kPython);
      damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ 1U << bit);
      const std::string text = message_of([&] { return read_safetensors(folder.put("m", damaged)); });
      EXPECT_TRUE(text == "no error" || text.starts_with("[model file]")) << at << text;
    }
  }
}

TEST(Safetensors, NotSuchAFile) {
  EXPECT_EQ(message("abc"),
            "[model file] m: not a safetensors file: 3 bytes, 8 are wanted for its header's length alone");
  EXPECT_EQ(message("\x89PNG\r\n\x1a\n and so on"),
            "[model file] m: not a safetensors file: a header of 727905341920923785 bytes, 100000000 are possible\n"
            "  begins with  89 50 4e 47        looks like  a PNG picture");
  EXPECT_EQ(message("\x09\0\0\0\0\0\0\0{}"sv),
            "[model file] m: the file ends within its header: it has 9 bytes, 2 are there");
  EXPECT_EQ(message("{\"a\": ", ""),
            "[model file] m: not a safetensors file: its header is not JSON\n"
            "  header  6 bytes        JSON error at byte  7");
  EXPECT_EQ(message("[1]", ""), "[model file] m: not a safetensors file: its header is a JSON array");
}

TEST(Safetensors, DuplicateKeysAndMetadata) {
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                    R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
                    "1234"),
            "[model file] m: the header has the key 'a' twice");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}})", "1234"),
            "[model file] m: the header has the key 'dtype' twice");
  EXPECT_EQ(message(R"({"__metadata__":{"k":1}})", ""),
            "[model file] m: __metadata__ 'k' is a JSON number, a string is wanted");
  EXPECT_EQ(message(R"({"__metadata__":[]})", ""), "[model file] m: __metadata__ is a JSON array, an object is wanted");
}

TEST(Safetensors, EntriesThatAreWrong) {
  const auto entry = [](std::string_view body) { return message("{\"a\":" + std::string(body) + "}", "12345678"); };
  EXPECT_EQ(entry("1"), "[model file] m: tensor 'a' is a JSON number, an object is wanted");
  EXPECT_EQ(entry(R"({"shape":[2],"data_offsets":[0,8]})"), "[model file] m: tensor 'a' has no text 'dtype'");
  EXPECT_EQ(entry(R"({"dtype":"I32","shape":[2],"data_offsets":[0,8]})"),
            "[model file] m: tensor 'a' has dtype \"I32\", F32, BF16, F16 or F64 are wanted");
  EXPECT_EQ(entry(R"({"dtype":"F32","data_offsets":[0,8]})"), "[model file] m: tensor 'a' has no list 'shape'");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
            "[model file] m: tensor 'a': shape [-2] is not a list of sizes");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
            "[model file] m: tensor 'a': data_offsets [8, 0] are not a begin and an end");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
            "[model file] m: tensor 'a': F32 numbers of shape [3] do not fill data_offsets [0, 8]\n"
            "  offsets hold  8 bytes");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]})"),
            "[model file] m: tensor 'a': F32 numbers of shape [4294967296, 4294967296, 2] do not fill "
            "data_offsets [0, 8]\n  offsets hold  8 bytes");
  EXPECT_EQ(entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1})"),
            "[model file] m: tensor 'a' has the unknown key 'extra'");
}

TEST(Safetensors, HolesOverlapsAndLengths) {
  const auto two = [](std::string_view a, std::string_view b, std::string_view data) {
    return message("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" + std::string(a) +
                       "},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":" + std::string(b) + "}}",
                   data);
  };
  EXPECT_EQ(two("[0,4]", "[8,12]", "123456789012"),
            "[model file] m: tensor 'b' begins at byte 8 of the data, the one before it ends at 4");
  EXPECT_EQ(two("[0,4]", "[2,6]", "123456"),
            "[model file] m: tensor 'b' begins at byte 2 of the data, the one before it ends at 4");
  EXPECT_EQ(two("[4,8]", "[8,12]", "123456789012"),
            "[model file] m: tensor 'a' begins at byte 4 of the data, the one before it ends at 0");
  EXPECT_EQ(two("[0,4]", "[4,8]", "1234567"),
            "[model file] m: the file ends early: its header says 8 bytes of numbers, 7 are there");
  EXPECT_EQ(two("[0,4]", "[4,8]", "123456789"),
            "[model file] m: the file is too long: its header says 8 bytes of numbers, 9 are there");
}

TEST(Safetensors, RefusesToWriteWhatCannotBeRead) {
  const TempFolder folder;
  const std::vector<float> two = {1, 2};
  const auto write = [&](std::vector<TensorView> tensors, std::map<std::string, std::string> metadata) {
    return message_of([&] { write_safetensors(folder.file("m"), metadata, tensors); }, folder.path());
  };
  EXPECT_EQ(write({{"a", {2}, two}, {"a", {2}, two}}, {}),
            "[usage] m: cannot be written: the tensor name 'a' is taken");
  EXPECT_EQ(write({{"__metadata__", {2}, two}}, {}),
            "[usage] m: cannot be written: the tensor name '__metadata__' is taken");
  EXPECT_EQ(write({{"a", {3}, two}}, {}), "[usage] m: cannot be written: tensor 'a' of shape [3] has 2 numbers");
  EXPECT_EQ(write({{"a", {-1, -2}, two}}, {}),
            "[usage] m: cannot be written: tensor 'a' of shape [-1, -2] has 2 numbers");
  EXPECT_EQ(write({}, {{"k", "\xff"}}), "[usage] m: cannot be written: a tensor name or a metadata text is not UTF-8");
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace lapel::formats
