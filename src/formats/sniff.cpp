#include "formats/sniff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace lapel::formats {

namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view bytes;
  std::string_view words;
};

constexpr std::string_view kPng = "\x89PNG\r\n\x1a\n"sv;
constexpr std::string_view kJpeg = "\xff\xd8\xff"sv;
constexpr std::array kSignatures = {
    Signature{kPng, "a PNG picture"},
    Signature{kJpeg, "a JPEG picture"},
    Signature{"\x1f\x8b"sv, "gzip data (packed twice?)"},
    Signature{"PK\x03\x04"sv, "a zip archive"},
    Signature{"\x89HDF\r\n\x1a\n"sv, "an HDF5 file"},
    Signature{"GIF8"sv, "a GIF picture"},
    Signature{"BM"sv, "a BMP picture"},
    Signature{"RIFF"sv, "a RIFF file (WebP?)"},
    Signature{"%PDF"sv, "a PDF document"},
    Signature{"\x93NUMPY"sv, "a NumPy array"},
    Signature{"\0\0\x08\x01"sv, "IDX labels"},
    Signature{"\0\0\x08\x03"sv, "IDX pictures"},
};

bool begins_with(std::span<const std::uint8_t> bytes, std::string_view signature) {
  return bytes.size() >= signature.size() &&
         std::equal(signature.begin(), signature.end(), bytes.begin(),
                    [](char wanted, std::uint8_t byte) { return static_cast<std::uint8_t>(wanted) == byte; });
}

bool is_text(std::uint8_t byte) {
  return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\r' || byte == '\t';
}

}  // namespace

bool is_png(std::span<const std::uint8_t> bytes) { return begins_with(bytes, kPng); }
bool is_jpeg(std::span<const std::uint8_t> bytes) { return begins_with(bytes, kJpeg); }

std::string looks_like(std::span<const std::uint8_t> bytes) {
  for (const auto& [signature, words] : kSignatures) {
    if (begins_with(bytes, signature)) {
      return std::string(words);
    }
  }
  constexpr std::size_t kSample = 16;
  const auto sample = bytes.first(std::min(kSample, bytes.size()));
  if (sample.size() < 4 || !std::all_of(sample.begin(), sample.end(), is_text)) {
    return {};
  }
  std::string line;
  for (const std::uint8_t byte : sample) {
    if (byte == '\n' || byte == '\r') {
      break;
    }
    line += byte == '\t' ? ' ' : static_cast<char>(byte);
  }
  return fmt::format("text (\"{}\")", line);
}

std::string first_bytes(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kMost = 4;
  return bytes.empty() ? "nothing" : fmt::format("{:02x}", fmt::join(bytes.first(std::min(kMost, bytes.size())), " "));
}

}  // namespace lapel::formats
