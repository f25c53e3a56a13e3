#include "formats/checksum.h"

#include <libdeflate.h>

#include <array>

namespace lapel::formats {

namespace {

constexpr std::array<std::uint32_t, 256> castagnoli_table() {
  constexpr std::uint32_t kPolynomial = 0x82F63B78U;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1U) != 0 ? value >> 1U ^ kPolynomial : value >> 1U;
    }
    table[byte] = value;
  }
  return table;
}

}  // namespace

std::uint32_t crc32_of(std::span<const std::uint8_t> bytes) {
  // libdeflate takes a null pointer for a request to start, whatever the length.
  return bytes.empty() ? 0 : libdeflate_crc32(0, bytes.data(), bytes.size());
}

std::uint32_t crc32c_of(std::span<const std::uint8_t> bytes) {
  static constexpr auto kTable = castagnoli_table();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::uint8_t byte : bytes) {
    crc = crc >> 8U ^ kTable[(crc ^ byte) & 0xFFU];
  }
  return ~crc;
}

}  // namespace lapel::formats
