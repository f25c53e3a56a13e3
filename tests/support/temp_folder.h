#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "lapel/error.h"

namespace lapel::testing {

/// A folder of one test's own, removed with all that is in it. In memory where the system has such a place: the
/// hundreds of fsyncs of a property would wait for a disk.
class TempFolder {
 public:
  TempFolder() {
    const bool memory = ::access("/dev/shm", W_OK | X_OK) == 0;
    const std::filesystem::path parent = memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = (parent / "lapel-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("mkdtemp " + name);
    }
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path file(std::string_view name) const { return path_ / name; }

  /// Writes a file without Lapel's own writer, and returns its path.
  std::filesystem::path put(std::string_view name, std::span<const std::uint8_t> bytes) const {
    std::ofstream out(file(name), std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return file(name);
  }
  std::filesystem::path put(std::string_view name, std::string_view text) const {
    return put(name, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }

  /// Names of everything in the folder, hidden files too.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      found.push_back(entry.path().filename().string());
    }
    return found;
  }

 private:
  std::filesystem::path path_;
};

/// A file's bytes, without Lapel's own reader.
inline std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline const char* kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return "usage";
    case ErrorKind::kRecipe:
      return "recipe";
    case ErrorKind::kData:
      return "data";
    case ErrorKind::kModelFile:
      return "model file";
    case ErrorKind::kIo:
      return "io";
    default:
      return "another kind";
  }
}

/// Kind and whole message of the Error that `body` throws, `[data] place: problem ...`, with `folder` and the slash
/// after it left out; `no error` where it throws none.
template <class F>
std::string message_of(const F& body, const std::filesystem::path& folder = {}) {
  std::string text = "no error";
  try {
    body();
  } catch (const Error& error) {
    text = std::string("[") + kind_name(error.kind()) + "] " + error.what();
  }
  const std::string drop = folder.string() + "/";
  for (std::size_t at = text.find(drop); !folder.empty() && at != std::string::npos; at = text.find(drop, at)) {
    text.erase(at, drop.size());
  }
  return text;
}

}  // namespace lapel::testing
