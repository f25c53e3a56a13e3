#include "formats/event_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "formats/checksum.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

/// `value` as little-endian bytes.
template <class T>
std::string bytes_of(T value) {
  static_assert(std::endian::native == std::endian::little);
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  while (value >= 0x80U) {
    bytes += static_cast<char>((value & 0x7FU) | 0x80U);
    value >>= 7U;
  }
  return bytes + static_cast<char>(value);
}

/// The wire types of protobuf that are needed: https://protobuf.dev/programming-guides/encoding/
enum class Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string key(std::uint64_t field, Wire wire) { return varint(field << 3U | static_cast<std::uint64_t>(wire)); }
std::string integer_field(std::uint64_t field, std::int64_t value) {
  return key(field, Wire::kVarint) + varint(static_cast<std::uint64_t>(value));
}
std::string bytes_field(std::uint64_t field, std::string_view value) {
  return key(field, Wire::kBytes) + varint(value.size()) + std::string(value);
}

/// TFRecord's checksum, which may itself be part of what a checksum is taken of.
std::uint32_t masked_crc(std::string_view bytes) {
  constexpr std::uint32_t kMask = 0xA282EAD8U;
  const std::uint32_t crc = crc32c_of({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  return std::rotr(crc, 15) + kMask;
}

std::string record(double wall_time, std::string_view fields) {
  const std::string event = key(1, Wire::kFixed64) + bytes_of(wall_time) + std::string(fields);
  const std::string length = bytes_of(std::uint64_t{event.size()});
  return length + bytes_of(masked_crc(length)) + event + bytes_of(masked_crc(event));
}

/// Event{step = 2, summary = 5 {value = 1 {tag = 1, `value`}}}.
std::string summary_record(std::string_view tag, std::string_view value, std::int64_t step, double wall_time) {
  const std::string summary = bytes_field(1, bytes_field(1, tag) + std::string(value));
  return record(wall_time, integer_field(2, step) + bytes_field(5, summary));
}

/// A big-endian number in the header of a PNG.
std::uint32_t header_number(std::span<const std::uint8_t> png, std::size_t at) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : png.subspan(at, 4)) {
    number = number << 8U | byte;
  }
  return number;
}

}  // namespace

std::string event_file_start(double wall_time) { return record(wall_time, bytes_field(3, "brain.Event:2")); }

std::string scalar_event(std::string_view tag, double value, std::int64_t step, double wall_time) {
  return summary_record(tag, key(2, Wire::kFixed32) + bytes_of(static_cast<float>(value)), step, wall_time);
}

std::string image_event(std::string_view tag, std::span<const std::uint8_t> png, std::int64_t step, double wall_time) {
  constexpr std::array<std::uint8_t, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  constexpr std::size_t kWidthAt = 16;
  constexpr std::size_t kHeightAt = 20;
  constexpr std::int64_t kRgb = 3;
  if (png.size() < kHeightAt + 4 || !std::equal(kSignature.begin(), kSignature.end(), png.begin())) {
    throw Error(ErrorKind::kData, std::string(tag), "the picture for TensorBoard is no PNG");
  }
  const std::string image = integer_field(1, header_number(png, kHeightAt)) +
                            integer_field(2, header_number(png, kWidthAt)) + integer_field(3, kRgb) +
                            bytes_field(4, {reinterpret_cast<const char*>(png.data()), png.size()});
  return summary_record(tag, bytes_field(4, image), step, wall_time);
}

}  // namespace lapel::formats
