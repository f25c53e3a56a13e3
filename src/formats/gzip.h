#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "formats/bytes.h"

namespace lapel::formats {

/// Whether these bytes begin as a gzip file does (RFC 1952: 1f 8b).
[[nodiscard]] bool is_gzip(std::span<const std::uint8_t> bytes);

/// What a gzip file (one or several members, zeros after the last one allowed) unpacks to. `place` names the file in
/// errors. Throws Error (kData) with the position where the data are damaged, end early, or are followed by
/// something else, and where they unpack to more than base/limits.h allows.
[[nodiscard]] std::vector<std::uint8_t> gunzip(std::span<const std::uint8_t> bytes, const std::string& place,
                                               const ReadLimits& limits = {});

}  // namespace lapel::formats
