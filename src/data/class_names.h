#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Names of classes, in one form wherever they come from.
namespace lapel::data {

/// The file with the names of the classes, one a line.
inline constexpr const char* kNamesFile = "class_names.txt";

/// The lines of a class_names.txt. Throws Error (kData) for an empty line between them, for none, for names that
/// canonical_name refuses, and for a name that stands there twice.
[[nodiscard]] std::vector<std::string> read_class_names(const std::filesystem::path& file);

/// The name in the form in which classes are compared: Unicode's composed form (NFC), without outer blanks. Throws
/// Error (kData) at `place` where it is not UTF-8, empty, or has a line break or another control character.
[[nodiscard]] std::string canonical_name(const std::string& name, const std::string& place);

/// Throws Error (kData) at `place` for a name that stands there twice, and for more names than labels hold.
void check_different(const std::vector<std::string>& names, const std::string& place);

/// The number that a text of digits is.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text);

/// Whether every name is a number.
[[nodiscard]] bool are_numbers(const std::vector<std::string>& names);

/// The text with bytes that are no UTF-8 written as `\xe9`, for messages.
[[nodiscard]] std::string readable(const std::string& name);

}  // namespace lapel::data
