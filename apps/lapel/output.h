#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lapel::app {

/// Standard output. A failed write is remembered, so that work in hand is not lost over a line of progress, and is
/// reported at the end. A reader that went away (`lapel recipes | head -1`) is no failure: the rest is left unsaid.
class Output {
 public:
  Output();

  /// True for a terminal that can redraw a line.
  [[nodiscard]] bool is_terminal() const { return terminal_; }
  /// Columns of the terminal, as it is now; 80 where it does not say.
  [[nodiscard]] std::size_t columns() const;

  /// Control characters but line breaks and tabs are written as `\\x1b`: names of files and classes may be anybody's.
  void print(std::string_view text);
  /// Draws a line of a terminal over the one before; an empty one clears it.
  void redraw(std::string_view line);
  /// Throws Error (kIo) if anything could not be written.
  void finish() const;

 private:
  void write_all(std::string_view text);

  bool terminal_ = false;
  int error_ = 0;  ///< The errno of the first write that failed.
};

/// The text with control characters but line breaks and tabs written as `\\x1b`.
[[nodiscard]] std::string visible(std::string_view text);

/// Puts /dev/null in place of standard streams that were closed by the caller, so that no file which the program
/// opens takes their place.
void reserve_standard_streams();

}  // namespace lapel::app
