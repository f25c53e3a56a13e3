#pragma once

#include <string>
#include <string_view>

/// Names as Unicode has them.
namespace lapel::formats {

[[nodiscard]] bool is_utf8(std::string_view text);

/// The same text in Unicode's composed form (NFC), in which an é is one character; a file system may have it as two.
/// Text that is not UTF-8 stays as it is.
[[nodiscard]] std::string composed(const std::string& text);

/// Whether a character in it ends a line or controls a terminal (Unicode's category Cc, and the line separators).
[[nodiscard]] bool has_control_characters(std::string_view text);

/// Without blanks at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace lapel::formats
