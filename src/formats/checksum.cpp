#include "formats/checksum.h"

#include <libdeflate.h>

namespace lapel::formats {

std::uint32_t crc32_of(std::span<const std::uint8_t> bytes) {
  // libdeflate takes a null pointer for a request to start, whatever the length.
  return bytes.empty() ? 0 : libdeflate_crc32(0, bytes.data(), bytes.size());
}

}  // namespace lapel::formats
