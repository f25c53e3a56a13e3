#include "formats/picture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "formats/encoders.h"
#include "support/temp_folder.h"

namespace lapel::formats {
namespace {

using lapel::testing::make_jpeg;
using lapel::testing::make_png;
using lapel::testing::message_of;
using lapel::testing::PngPlan;
using lapel::testing::TempFolder;
using Bytes = std::vector<std::uint8_t>;

Picture decode(const Bytes& bytes) {
  const TempFolder folder;
  return read_picture_file(folder.put("x", bytes));
}

std::string message(std::string_view bytes) {
  const TempFolder folder;
  return message_of([&] { return read_picture_file(folder.put("x", bytes)); }, folder.path());
}

/// Different numbers, no two neighbours the same.
Bytes ramp(std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 37 + 11);
  }
  return bytes;
}

void expect_sizes(const Picture& picture, std::int64_t height, std::int64_t width, std::int64_t channels) {
  EXPECT_EQ(picture.height, height);
  EXPECT_EQ(picture.width, width);
  EXPECT_EQ(picture.channels, channels);
}

TEST(Png, EveryColourTypeOfEightBitsPlainAndInterlaced) {
  for (const auto& [type, channels] : {std::pair(0, 1), std::pair(4, 2), std::pair(2, 3), std::pair(6, 4)}) {
    for (const bool interlaced : {false, true}) {
      const Bytes pixels = ramp(static_cast<std::size_t>(9 * 5 * channels));
      const Picture picture = decode(make_png({9, 5, 8, type, interlaced, pixels, {}, {}}));
      expect_sizes(picture, 5, 9, channels);
      EXPECT_EQ(picture.pixels, pixels) << type << interlaced;
    }
  }
}

TEST(Png, SixteenBitsAreRoundedToEight) {
  // 0x12f0 / 257 = 18.86, 0xfe05 / 257 = 253.03: not the high bytes 18 and 254.
  const Picture picture = decode(make_png({2, 1, 16, 0, false, {0x12, 0xf0, 0xfe, 0x05}, {}, {}}));
  expect_sizes(picture, 1, 2, 1);
  EXPECT_EQ(picture.pixels, (Bytes{19, 253}));
}

TEST(Png, FewBitsAreStretchedToEight) {
  EXPECT_EQ(decode(make_png({8, 1, 1, 0, false, {0b10110001}, {}, {}})).pixels,
            (Bytes{255, 0, 255, 255, 0, 0, 0, 255}));
  EXPECT_EQ(decode(make_png({2, 1, 4, 0, false, {0x3f}, {}, {}})).pixels, (Bytes{51, 255}));
}

TEST(Png, PalettesAreExpanded) {
  const PngPlan plan{4, 1, 2, 3, false, {0b00011000}, {10, 20, 30, 40, 50, 60, 70, 80, 90}, {}};
  const Picture picture = decode(make_png(plan));
  expect_sizes(picture, 1, 4, 3);
  EXPECT_EQ(picture.pixels, (Bytes{10, 20, 30, 40, 50, 60, 70, 80, 90, 10, 20, 30}));
  PngPlan with_alpha = plan;
  with_alpha.palette_alpha = {128};
  EXPECT_EQ(decode(make_png(with_alpha)).pixels,
            (Bytes{10, 20, 30, 128, 40, 50, 60, 255, 70, 80, 90, 255, 10, 20, 30, 128}));
}

TEST(Png, WhatWasWrittenIsRead) {
  const TempFolder folder;
  for (const std::int64_t channels : {1, 3}) {
    const Picture picture{7, 5, channels, ramp(static_cast<std::size_t>(35 * channels))};
    write_png(folder.file("x.png"), picture);
    const Picture read = read_picture_file(folder.file("x.png"));
    expect_sizes(read, 7, 5, channels);
    EXPECT_EQ(read.pixels, picture.pixels);
  }
}

TEST(Png, RefusesToWriteWhatIsNoPicture) {
  const TempFolder folder;
  const auto write = [&](const Picture& picture) {
    return message_of([&] { write_png(folder.file("x"), picture); }, folder.path());
  };
  EXPECT_EQ(write({1, 1, 4, {1, 2, 3, 4}}), "[usage] x: a PNG of 4 channels was asked for, 1 or 3 are possible");
  EXPECT_EQ(write({2, 2, 1, {1, 2, 3}}), "[usage] x: 2 x 2 x 1 (h x w x c) is no picture of 3 numbers");
  EXPECT_TRUE(folder.names().empty());
}

TEST(Jpeg, GreyAndColour) {
  for (const bool progressive : {false, true}) {
    const Picture grey = decode(make_jpeg(17, 9, 1, progressive, Bytes(17 * 9, 200)));
    expect_sizes(grey, 9, 17, 1);
    EXPECT_EQ(grey.pixels, Bytes(17 * 9, 200));
    Bytes pixels;
    for (int i = 0; i < 64; ++i) {
      pixels.insert(pixels.end(), {200, 100, 50});
    }
    const Picture colour = decode(make_jpeg(8, 8, 3, progressive, pixels));
    expect_sizes(colour, 8, 8, 3);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      EXPECT_LE(std::abs(colour.pixels[i] - pixels[i]), 2);
    }
  }
}

TEST(Jpeg, FourInksBecomeColours) {
  // Stored as what the inks leave of the light; by Pillow's rule (255 - ink) (255 - black) / 255.
  const Picture picture = decode(make_jpeg(8, 8, 4, false, Bytes(256, 100)));
  expect_sizes(picture, 8, 8, 3);
  for (const std::uint8_t value : picture.pixels) {
    EXPECT_NEAR(value, 100 * 100 / 255, 1);
  }
}

TEST(PictureFile, NoPicture) {
  EXPECT_EQ(message({"GIF89a\2\0\2\0\0\0\0", 13}).substr(0, 38), "[data] x: the GIF picture is damaged: ");
  EXPECT_EQ(message({"\0\0\0\x18"
                     "ftypheic",
                     12}),
            "[data] x: is a HEIC picture, a kind of picture that is not read\n"
            "  read  PNG, JPEG, WebP, GIF, BMP, TIFF        try  the picture saved as PNG");
  EXPECT_EQ(message("some text"),
            "[data] x: is no picture: it begins with 73 6f 6d 65\n"
            "  looks like  text (\"some text\")        try  the picture saved as PNG");
  EXPECT_EQ(message(""), "[data] x: is no picture: it begins with nothing\n  try  the picture saved as PNG");
}

TEST(PictureFile, SaysWhatIsWrong) {
  Bytes png = make_png({9, 5, 8, 0, false, ramp(45), {}, {}});
  const std::string text(png.begin(), png.end());
  EXPECT_EQ(message(text.substr(0, text.size() - 1)),
            "[data] x: the PNG picture is damaged: the file ends early\n  try  a fresh copy of the file");
  std::string damaged = text;
  damaged[20] = 'x';
  EXPECT_EQ(message(damaged), "[data] x: the PNG picture is damaged: IHDR: CRC error\n  try  a fresh copy of the file");
  const Bytes jpeg = make_jpeg(16, 16, 1, false, ramp(256));
  EXPECT_EQ(message({reinterpret_cast<const char*>(jpeg.data()), jpeg.size() - 40}),
            "[data] x: the JPEG picture is damaged: Premature end of JPEG file\n  try  a fresh copy of the file");
}

TEST(PictureFile, TooManyPixels) {
  Bytes jpeg = make_jpeg(8, 8, 1, false, Bytes(64, 1));
  const Bytes frame = {0xff, 0xc0, 0x00, 0x0b, 0x08};
  auto at = std::search(jpeg.begin(), jpeg.end(), frame.begin(), frame.end());
  ASSERT_NE(at, jpeg.end());
  std::fill_n(at + 5, 4, std::uint8_t{0xf0});
  EXPECT_EQ(message({reinterpret_cast<const char*>(jpeg.data()), jpeg.size()}),
            "[data] x: the picture has 61680 x 61680 pixels, more than 67108864\n  try  a smaller picture");
}

TEST(PictureFile, EveryTruncationIsAnError) {
  const TempFolder folder;
  const std::vector<Bytes> files = {make_png({5, 3, 8, 6, true, ramp(60), {}, {}}),
                                    make_png({4, 1, 2, 3, false, {0x18}, {1, 2, 3, 4, 5, 6, 7, 8, 9}, {9}}),
                                    make_jpeg(9, 9, 3, false, ramp(243)), make_jpeg(9, 9, 1, true, ramp(81))};
  for (const Bytes& whole : files) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const auto file = folder.put("x", std::span(whole).first(length));
      EXPECT_THROW(static_cast<void>(read_picture_file(file)), Error) << length << " of " << whole.size();
    }
  }
}

TEST(PictureFile, FlippedBitsNeverCrash) {
  const TempFolder folder;
  for (const Bytes& whole : {make_png({5, 3, 8, 2, true, ramp(45), {}, {}}), make_jpeg(9, 9, 3, true, ramp(243))}) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      Bytes damaged = whole;
      damaged[at] ^= static_cast<std::uint8_t>(1U << at % 8);
      const std::string text = message_of([&] { return read_picture_file(folder.put("x", damaged)); });
      EXPECT_TRUE(text == "no error" || text.starts_with("[data]")) << at << text;
    }
  }
}

TEST(WithChannels, AlphaOverBlackThenLuma) {
  EXPECT_EQ(with_channels({1, 2, 2, {200, 255, 200, 128}}, 1).pixels, (Bytes{200, 100}));
  EXPECT_EQ(with_channels({1, 1, 2, {200, 0}}, 3).pixels, (Bytes{0, 0, 0}));
  // 0.299 255 = 76.2, 0.587 255 = 149.7, 0.114 255 = 29.07
  EXPECT_EQ(with_channels({1, 3, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255}}, 1).pixels, (Bytes{76, 150, 29}));
  EXPECT_EQ(with_channels({1, 1, 4, {255, 100, 0, 51}}, 3).pixels, (Bytes{51, 20, 0}));
  EXPECT_EQ(with_channels({1, 1, 1, {7}}, 3).pixels, (Bytes{7, 7, 7}));
}

TEST(WithChannels, GreyInColoursIsTheSameGrey) {
  for (int value = 0; value < 256; ++value) {
    const auto grey = static_cast<std::uint8_t>(value);
    EXPECT_EQ(with_channels({1, 1, 3, {grey, grey, grey}}, 1).pixels, Bytes{grey});
    EXPECT_EQ(with_channels({1, 1, 4, {grey, grey, grey, 255}}, 1).pixels, Bytes{grey});
  }
}

TEST(WithChannels, OtherNumbersAreRefused) {
  EXPECT_EQ(message_of([] {
              return with_channels({1, 1, 1, {7}}, 2);
            }),
            "[usage] with_channels: 2 channels were asked for, 1 or 3 are possible");
}

TEST(Resized, FlatStaysFlatAndTheSameStaysTheSame) {
  const Picture ramped{3, 4, 1, ramp(12)};
  EXPECT_EQ(resized(ramped, 3, 4).pixels, ramped.pixels);
  for (const std::int64_t channels : {1, 2, 3, 4}) {
    const Picture flat{40, 30, channels, Bytes(static_cast<std::size_t>(1200 * channels), 77)};
    for (const auto& [height, width] : {std::pair(28, 28), std::pair(100, 7), std::pair(1, 1)}) {
      const Picture result = resized(flat, height, width);
      expect_sizes(result, height, width, channels);
      EXPECT_EQ(result.pixels, Bytes(static_cast<std::size_t>(height * width * channels), 77));
    }
  }
}

TEST(Resized, KeepsWhereThingsAre) {
  // Left half black, right half white, halved: means of two leave both as they are.
  Picture picture{8, 16, 1, Bytes(128)};
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) {
    picture.pixels[i] = i % 16 < 8 ? 0 : 255;
  }
  const Picture half = resized(picture, 4, 8);
  for (std::size_t row = 0; row < 4; ++row) {
    const std::span line = std::span(half.pixels).subspan(row * 8, 8);
    EXPECT_EQ(line[0], 0);
    EXPECT_EQ(line[7], 255);
    EXPECT_EQ(line[3], 0);
    EXPECT_EQ(line[4], 255);
  }
}

TEST(Resized, SmallerIsTheMean) {
  EXPECT_EQ(resized({2, 4, 1, {0, 100, 10, 30, 50, 250, 20, 20}}, 1, 2).pixels, (Bytes{100, 20}));
}

TEST(Resized, OtherSizesAreRefused) {
  EXPECT_EQ(message_of([] {
              return resized({1, 1, 1, {7}}, 0, 4);
            }),
            "[usage] resized: a picture of 0 x 4 pixels was asked for");
}

}  // namespace
}  // namespace lapel::formats
