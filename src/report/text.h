#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lapel::report {

/// Unicode code points of UTF-8 text: its width in a table.
[[nodiscard]] std::size_t text_width(std::string_view text);

/// The first `count` code points of UTF-8 text.
[[nodiscard]] std::string_view first_characters(std::string_view text, std::size_t count);

/// At most `most` code points of `text`, the last of them an ellipsis where some are left out.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t most);

/// `text` with spaces after it (before it) to `width` code points; longer text as it is.
[[nodiscard]] std::string pad_right(std::string_view text, std::size_t width);
[[nodiscard]] std::string pad_left(std::string_view text, std::size_t width);

/// `text`, `count` times.
[[nodiscard]] std::string repeated(std::string_view text, std::size_t count);

/// With commas, as Python's `{:,}`: `407,050`.
[[nodiscard]] std::string grouped(std::int64_t number);

/// `1 picture`, `2 pictures`.
[[nodiscard]] std::string counted(std::int64_t count, std::string_view noun);

/// A metric as Keras's progress bar has it: `0.8234`; `5.0000e-04` where the size is 1e-3 or below.
[[nodiscard]] std::string metric(double value);

/// The name of a class: its own, or its number where `names` ends before it.
[[nodiscard]] std::string class_name(std::span<const std::string> names, std::size_t label);

}  // namespace lapel::report
