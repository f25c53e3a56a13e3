#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string_view>

namespace lapel::fuzz {

/// One way in which bytes of anyone's come into Lapel.
struct Reader {
  std::string_view name;  ///< And of the folder with its cases.
  /// Reads them. Throws what the reader throws.
  std::function<void(std::span<const std::uint8_t> bytes)> read;
};

[[nodiscard]] std::span<const Reader> readers();

/// Throws std::invalid_argument for a name that is none.
[[nodiscard]] const Reader& find_reader(std::string_view name);

/// Reads the bytes. Returns whether they were taken; an Error refuses them. Anything else that is thrown goes on.
bool takes(const Reader& reader, std::span<const std::uint8_t> bytes);

}  // namespace lapel::fuzz
