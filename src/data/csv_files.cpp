#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>

#include "data/assemble.h"
#include "data/class_names.h"
#include "data/layout.h"
#include "data/sources.h"
#include "formats/bytes.h"
#include "formats/csv.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

namespace fs = std::filesystem;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// The CSV files of a folder by the parts that they are; others are left out.
struct CsvFiles {
  fs::path train;
  fs::path validation;
  fs::path test;
};

/// The one file whose name has `word` in it; empty if there is none. Throws Error (kData) for more.
fs::path find_part(const std::vector<fs::path>& files, const fs::path& folder, std::string_view word) {
  std::vector<fs::path> found;
  std::copy_if(files.begin(), files.end(), std::back_inserter(found),
               [&](const fs::path& file) { return lower(file.filename().string()).find(word) != std::string::npos; });
  if (found.size() > 1) {
    throw Error(ErrorKind::kData, folder.string(),
                fmt::format("{} CSV files have \"{}\" in their name", found.size(), word),
                {{"files", fmt::format("{}, {}", found[0].filename().string(), found[1].filename().string())}},
                "one of them, in a folder of its own");
  }
  return found.empty() ? fs::path() : found.front();
}

CsvFiles find_files(const fs::path& folder, Findings& findings) {
  std::vector<fs::path> files = content_of(folder).files;
  std::erase_if(files, [](const fs::path& file) { return !formats::has_csv_ending(file); });
  CsvFiles result{find_part(files, folder, "train"), find_part(files, folder, "val"), find_part(files, folder, "test")};
  if (result.train.empty() && result.test.empty() && result.validation.empty() && files.size() == 1) {
    result.train = files.front();
  }
  for (const auto& file : files) {
    if (file != result.train && file != result.validation && file != result.test && !result.train.empty()) {
      add_finding(findings, FindingKind::kLeftOut, "CSV files beside the parts of the data set",
                  readable(file.filename().string()));
    }
  }
  return result;
}

NamedPart read_part(const fs::path& file, bool training, Findings& findings) {
  if (file.empty()) {
    return {};
  }
  formats::CsvPictures read = formats::read_csv(file);
  for (Finding& one : read.findings) {
    one.what = fmt::format("{} in {}", one.what, readable(file.filename().string()));
    findings.push_back(std::move(one));
  }
  const std::int64_t count = read.count();
  if (read.labels.empty() && training) {
    throw Error(ErrorKind::kData, file.string(), "no column holds labels, so there are no classes",
                {{"rows", fmt::format("{}", count)}},
                "a first line that names it label; lapel predict RUN FILE answers for rows without labels");
  }
  if (read.labels.empty()) {
    add_finding(findings, FindingKind::kLeftOut, "CSV files without labels (lapel predict answers for their rows)",
                readable(file.filename().string()));
    return {};
  }
  return {{{count, read.height, read.width, read.channels, std::move(read.pixels)}, std::move(read.labels)},
          file.string(),
          read.first_line,
          std::move(read.label_words)};
}

}  // namespace

std::optional<DataSet> read_csv_files(const fs::path& place, const DataSpec& /*spec*/, DataPart /*wanted*/,
                                      const LoadSettings& /*settings*/) {
  const bool folder = formats::is_folder(place);
  if (!folder && !formats::has_csv_ending(place)) {
    return std::nullopt;
  }
  Findings findings;
  const CsvFiles files = folder ? find_files(place, findings) : CsvFiles{place, {}, {}};
  if (files.train.empty() && files.test.empty()) {
    return std::nullopt;
  }
  NamedParts parts;
  parts.train = read_part(files.train, true, findings);
  parts.validation = read_part(files.validation, false, findings);
  parts.test = read_part(files.test, files.train.empty(), findings);
  DataSet data = assemble(place, folder ? place : place.parent_path(), std::move(parts));
  findings.insert(findings.end(), data.findings.begin(), data.findings.end());
  data.findings = std::move(findings);
  data.has_test_part = data.test.pictures.count > 0;
  return data;
}

}  // namespace lapel::data
