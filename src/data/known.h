#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace lapel::data {

/// A data set that Lapel knows by name.
struct KnownData {
  std::string_view name;
  std::string_view package;        ///< The Debian package that brings it.
  std::string_view folder;         ///< Where the package puts it, below a `share` folder.
  std::int64_t train_labels;       ///< Their number.
  std::uint32_t train_labels_crc;  ///< Their CRC-32, one byte a label.
  std::span<const std::string_view> class_names;
};

[[nodiscard]] std::span<const KnownData> known_data();

/// The one of this name; null if there is none.
[[nodiscard]] const KnownData* find_known(std::string_view name);

/// The one with these training labels (one byte each); null if there is none.
[[nodiscard]] const KnownData* recognise(std::span<const std::uint8_t> train_labels);

/// The `share` folders of this machine, as the XDG Base Directory Specification names them: XDG_DATA_DIRS, and
/// /usr/local/share and /usr/share where it is not set.
[[nodiscard]] std::vector<std::filesystem::path> share_folders();

/// The folder of `known` below the first of `shares` that has it.
/// Throws Error (kIo) with the folders looked in and the package to install.
[[nodiscard]] std::filesystem::path find_installed(const KnownData& known,
                                                   std::span<const std::filesystem::path> shares);

}  // namespace lapel::data
