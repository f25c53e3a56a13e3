#pragma once

#include <cstdint>
#include <span>

namespace lapel::formats {

/// CRC-32 as gzip, zip and PNG use it (ISO 3309, polynomial 0xEDB88320 reflected).
[[nodiscard]] std::uint32_t crc32_of(std::span<const std::uint8_t> bytes);

/// CRC-32C as TFRecord uses it (Castagnoli, polynomial 0x82F63B78 reflected). For small data: a table, byte by byte.
[[nodiscard]] std::uint32_t crc32c_of(std::span<const std::uint8_t> bytes);

}  // namespace lapel::formats
