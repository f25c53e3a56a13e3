#pragma once

#include <fstream>
#include <string>
#include <string_view>

namespace lapel::app {

/// A file that is written bit by bit and appears when it is whole: until then it is FILE.partial. A pipe or device is
/// written to as it is. Nothing is left of one that is not finished, but after a kill.
class WholeFile {
 public:
  WholeFile() = default;
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  /// Throws Error (kIo) where it cannot be made.
  void open(const std::string& file);
  /// Throws Error (kIo) where that fails.
  void write(std::string_view text);
  /// Gives it its name. Throws Error (kIo) where not all could be written. Does nothing where none was opened.
  void finish();

 private:
  [[noreturn]] void refuse(const std::string& problem) const;

  std::string file_;
  std::string partial_;  ///< Empty where it is written to as it is.
  std::ofstream stream_;
};

}  // namespace lapel::app
