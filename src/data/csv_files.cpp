#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>

#include "data/assemble.h"
#include "data/sources.h"
#include "formats/csv.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

namespace fs = std::filesystem;

bool is_csv(const fs::path& file) {
  std::string name = file.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return !name.starts_with('.') && (name.ends_with(".csv") || name.ends_with(".csv.gz"));
}

/// The one CSV file of a folder whose name holds `word`; empty if there is none. Throws Error (kData) for more.
fs::path find_part(const fs::path& folder, std::string_view word) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && is_csv(entry.path()) &&
        entry.path().filename().string().find(word) != std::string::npos) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  if (found.size() > 1) {
    throw Error(ErrorKind::kData, folder.string(),
                fmt::format("{} CSV files have \"{}\" in their name", found.size(), word),
                {{"files", fmt::format("{}, {}", found[0].filename().string(), found[1].filename().string())}},
                "one of them, in a folder of its own");
  }
  return found.empty() ? fs::path() : found.front();
}

NamedPart read_part(const fs::path& file) {
  if (file.empty()) {
    return {};
  }
  formats::CsvPictures read = formats::read_csv(file);
  const auto count = static_cast<std::int64_t>(read.labels.size());
  return {{{count, read.height, read.width, read.channels, std::move(read.pixels)}, std::move(read.labels)},
          file.string(),
          read.first_line};
}

}  // namespace

std::optional<DataSet> read_csv_files(const fs::path& place, const DataSpec& /*spec*/, DataPart /*wanted*/) {
  const bool folder = fs::is_directory(place);
  if (!folder && !is_csv(place)) {
    return std::nullopt;
  }
  const fs::path train_file = folder ? find_part(place, "train") : place;
  if (train_file.empty()) {
    return std::nullopt;
  }
  const fs::path test_file = folder ? find_part(place, "test") : fs::path();
  NamedPart train = read_part(train_file);
  NamedPart test = read_part(test_file);
  return assemble(place, folder ? place : place.parent_path(), std::move(train), std::move(test));
}

}  // namespace lapel::data
