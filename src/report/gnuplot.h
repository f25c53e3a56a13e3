#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lapel::report {

/// Runs gnuplot on a script that draws `file`, which appears only when all of it is drawn. In the script, `@OUTPUT@`
/// stands for the lines that open a canvas of `width` x `height` pixels, PNG or SVG by the ending of `file`. Throws
/// Error (kIo) where gnuplot is not installed or fails, with what it said; (kUsage) for another ending.
void run_gnuplot(std::string_view script, const std::filesystem::path& file, int width, int height);

/// `text` in single quotes, as gnuplot reads it without giving any character a meaning. A quote in it becomes ’, since
/// gnuplot takes a doubled one for an end where the text begins or ends with it.
[[nodiscard]] std::string gnuplot_text(std::string_view text);
/// The same for the label of a mark on an axis, which gnuplot takes as a format.
[[nodiscard]] std::string gnuplot_mark(std::string_view text);

}  // namespace lapel::report
