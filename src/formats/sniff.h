#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace lapel::formats {

/// What a file's first bytes say it is, in words for a message: `a PNG picture`, `text ("label,pixel1,pix")`.
/// Empty where they say nothing.
[[nodiscard]] std::string looks_like(std::span<const std::uint8_t> bytes);

/// The first bytes (at most four) in hexadecimal, `89 50 4e 47`; `nothing` for an empty file.
[[nodiscard]] std::string first_bytes(std::span<const std::uint8_t> bytes);

[[nodiscard]] bool is_png(std::span<const std::uint8_t> bytes);
[[nodiscard]] bool is_jpeg(std::span<const std::uint8_t> bytes);

}  // namespace lapel::formats
