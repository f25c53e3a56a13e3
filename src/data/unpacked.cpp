#include "data/unpacked.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "data/class_names.h"
#include "formats/archive.h"

namespace lapel::data {

namespace {

namespace fs = std::filesystem;

/// A new folder for temporary files.
fs::path new_folder() {
  std::string name = (fs::temp_directory_path() / "lapel-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorKind::kIo, name, "no folder can be made there", {}, "another folder, in the variable TMPDIR");
  }
  return name;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

UnpackedArchive::UnpackedArchive(const fs::path& archive, const LoadSettings& settings)
    : archive_(archive), folder_(new_folder()) {
  try {
    unpack(settings);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    throw;
  }
}

UnpackedArchive::~UnpackedArchive() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void UnpackedArchive::unpack(const LoadSettings& settings) {
  formats::ArchiveReader reader(archive_, formats::ArchiveContent::kAll);
  while (std::optional<formats::ArchiveEntry> entry = reader.next()) {
    if (settings.stop.stop_requested()) {
      throw Error(ErrorKind::kInterrupted, {}, "interrupted while the archive was unpacked");
    }
    const fs::path name = fs::path(entry->name).lexically_normal();
    const std::string place = fmt::format("{}:{}", archive_.string(), readable(entry->name));
    const bool outside = name.is_absolute() || std::find(name.begin(), name.end(), "..") != name.end();
    if (outside || !name.has_filename() || !entry->problem.empty()) {
      throw Error(ErrorKind::kData, place,
                  outside ? "the name leads out of the archive" : "cannot be unpacked: " + entry->problem, {},
                  "the folder unpacked, as --data");
    }
    const fs::path file = folder_ / name;
    std::error_code failure;
    fs::create_directories(file.parent_path(), failure);
    std::ofstream stream(file, std::ios::binary);
    stream.write(reinterpret_cast<const char*>(entry->bytes.data()), static_cast<std::streamsize>(entry->bytes.size()));
    if (!stream.flush()) {
      throw Error(ErrorKind::kIo, place, "cannot be unpacked into " + folder_.parent_path().string(),
                  {{"bytes", fmt::format("{}", entry->bytes.size())}},
                  "a folder with more room, in the variable TMPDIR; or the folder unpacked, as --data");
    }
  }
}

Error UnpackedArchive::as_of_archive(const Error& error) const {
  const auto renamed = [&](const std::string& text) {
    return with(with(text, folder_.string() + "/", archive_.string() + ":"), folder_.string(), archive_.string());
  };
  std::vector<ErrorFact> facts = error.facts();
  for (ErrorFact& fact : facts) {
    fact.value = renamed(fact.value);
  }
  return {error.kind(), renamed(error.place()), renamed(error.problem()), std::move(facts), renamed(error.hint())};
}

bool is_packed(const fs::path& file) { return formats::has_archive_ending(file); }

std::string name_without_archive_ending(const fs::path& file) {
  fs::path name = file.filename();
  while (formats::has_archive_ending(name)) {
    const bool twice = name.stem().extension() == ".tar";
    name = twice ? name.stem().stem() : name.stem();
  }
  return name.string();
}

}  // namespace lapel::data
