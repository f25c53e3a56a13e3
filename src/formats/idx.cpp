#include "formats/idx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "formats/bytes.h"
#include "formats/sniff.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

constexpr std::uint8_t kUnsignedByte = 0x08;
constexpr std::array<std::pair<std::uint8_t, std::string_view>, 6> kElementTypes = {{
    {kUnsignedByte, "unsigned bytes"},
    {0x09, "signed bytes"},
    {0x0b, "16-bit integers"},
    {0x0c, "32-bit integers"},
    {0x0d, "32-bit floats"},
    {0x0e, "64-bit floats"},
}};

std::string_view element_words(std::uint8_t type) {
  for (const auto& [code, words] : kElementTypes) {
    if (code == type) {
      return words;
    }
  }
  return {};
}

std::string rank_words(int rank) {
  if (rank == 1) {
    return "labels (rank 1)";
  }
  return rank == 3 ? std::string("pictures (rank 3)") : fmt::format("an array of rank {}", rank);
}

[[noreturn]] void refuse(const std::filesystem::path& file, std::string problem, std::vector<ErrorFact> facts = {}) {
  throw Error(ErrorKind::kData, file.string(), std::move(problem), std::move(facts), "a fresh copy of the file");
}

void check_magic(const std::filesystem::path& file, std::span<const std::uint8_t> bytes, int rank) {
  if (bytes.empty()) {
    refuse(file, "the file is empty");
  }
  const bool magic = bytes.size() >= 4 && bytes[0] == 0 && bytes[1] == 0 && !element_words(bytes[2]).empty();
  if (!magic) {
    std::vector<ErrorFact> facts = {{"wanted", fmt::format("00 00 08 {:02x}", rank)}};
    if (std::string words = looks_like(bytes); !words.empty()) {
      facts.push_back({"looks like", std::move(words)});
    }
    refuse(file, fmt::format("not an IDX file: it begins with {}", first_bytes(bytes)), std::move(facts));
  }
  if (bytes[2] != kUnsignedByte) {
    throw Error(
        ErrorKind::kData, file.string(),
        fmt::format("holds {} (type {:02x}), unsigned bytes (type 08) are wanted", element_words(bytes[2]), bytes[2]));
  }
  if (bytes[3] != rank) {
    throw Error(ErrorKind::kData, file.string(),
                fmt::format("holds {}, {} are wanted", rank_words(bytes[3]), rank_words(rank)), {},
                "look whether the files were exchanged");
  }
}

std::vector<std::int64_t> read_shape(std::span<const std::uint8_t> header) {
  std::vector<std::int64_t> shape;
  for (std::size_t at = 4; at < header.size(); at += 4) {
    shape.push_back(std::int64_t{header[at]} << 24U | std::int64_t{header[at + 1]} << 16U |
                    std::int64_t{header[at + 2]} << 8U | std::int64_t{header[at + 3]});
  }
  return shape;
}

/// The number of bytes that the header promises; 0 where it promises none, or more than any file has.
std::int64_t checked_size(const std::filesystem::path& file, std::span<const std::int64_t> shape) {
  constexpr std::int64_t kMost = std::int64_t{1} << 48U;
  std::int64_t size = 1;
  for (const std::int64_t length : shape) {
    if (length == 0) {
      refuse(file, fmt::format("holds nothing: header says {}", fmt::join(shape, " x ")));
    }
    if (size > kMost / length) {
      refuse(file, fmt::format("the header is damaged: it says {}, more than any file holds", fmt::join(shape, " x ")));
    }
    size *= length;
  }
  return size;
}

}  // namespace

IdxArray read_idx(const std::filesystem::path& file, int rank) {
  std::vector<std::uint8_t> bytes =
      read_file(file, {.look = [&](auto first, auto /*size*/) { check_magic(file, first, rank); }});
  const std::size_t header = 4 + 4 * static_cast<std::size_t>(rank);
  if (bytes.size() < header) {
    refuse(file,
           fmt::format("the file ends within its header: {} bytes are wanted, {} are there", header, bytes.size()));
  }
  std::vector<std::int64_t> shape = read_shape(std::span(bytes).first(header));
  const std::int64_t wanted = checked_size(file, shape);
  const auto there = static_cast<std::int64_t>(bytes.size() - header);
  if (there != wanted) {
    refuse(file, fmt::format("the file {}: header says {} = {} bytes, {} are there",
                             there < wanted ? "ends early" : "is too long", fmt::join(shape, " x "), wanted, there));
  }
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header));
  return {std::move(shape), std::move(bytes)};
}

std::vector<std::uint8_t> idx_bytes(const IdxArray& array) {
  std::int64_t numbers = 1;
  std::vector<std::uint8_t> bytes = {0, 0, kUnsignedByte, static_cast<std::uint8_t>(array.shape.size())};
  for (const std::int64_t extent : array.shape) {
    numbers *= extent;
    for (const int shift : {24, 16, 8, 0}) {
      bytes.push_back(static_cast<std::uint8_t>(extent >> shift));
    }
  }
  if (numbers != static_cast<std::int64_t>(array.values.size())) {
    throw Error(ErrorKind::kUsage, {},
                fmt::format("an IDX array of {} values was given {}", numbers, array.values.size()));
  }
  bytes.insert(bytes.end(), array.values.begin(), array.values.end());
  return bytes;
}

}  // namespace lapel::formats
