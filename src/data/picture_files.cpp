#include "data/picture_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/pattern.h"
#include "base/rng.h"
#include "data/class_names.h"
#include "data/layout.h"
#include "formats/bytes.h"
#include "formats/sniff.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDamaged = "damaged";

// Pictures that are not read, by the end of their names: their first bytes may be those of a kind that is.
constexpr std::array<std::string_view, 13> kOtherEndings = {".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2",
                                                            ".raf", ".svg", ".tga", ".pcx", ".exr", ".hdr"};

// What stands beside pictures and says something of them.
constexpr std::array<std::string_view, 16> kTextEndings = {".txt",  ".xml", ".json", ".csv", ".tsv", ".md",
                                                           ".html", ".yml", ".yaml", ".log", ".py",  ".ini",
                                                           ".toml", ".url", ".lnk",  ".db"};

std::string ending_of(const fs::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return ending;
}

template <std::size_t kCount>
bool is_one_of(const std::array<std::string_view, kCount>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Where the files' names are numbers, each once, their order; else a random one, so that the last N are a fair sample.
void put_in_order(std::vector<PictureFile>& files, std::int64_t seed) {
  std::vector<std::pair<std::uint64_t, std::size_t>> numbers;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto number = number_of(files[i].file.stem().string());
    if (!number) {
      break;
    }
    numbers.emplace_back(*number, i);
  }
  std::sort(numbers.begin(), numbers.end());
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (numbers.size() == files.size() && std::adjacent_find(numbers.begin(), numbers.end(), same) == numbers.end()) {
    std::vector<PictureFile> ordered;
    ordered.reserve(files.size());
    for (const auto& [number, at] : numbers) {
      ordered.push_back(std::move(files[at]));
    }
    files = std::move(ordered);
    return;
  }
  const RandomStream random{static_cast<std::uint64_t>(seed), RandomPurpose::kSplit, 1, 0, 0};
  for (std::size_t i = files.size(); i > 1; --i) {
    std::swap(files[i - 1], files[random.below(i, static_cast<std::uint32_t>(i))]);
  }
}

bool holds_nothing(const fs::path& folder) {
  const FolderContent content = content_of(folder);
  return content.files.empty() && content.folders.empty();
}

/// Every file below a folder, in the order of their paths; a folder that is reached twice is read once.
void list_below(const fs::path& folder, std::set<fs::path>& seen, std::vector<fs::path>& files) {
  std::error_code failure;
  if (const fs::path real = fs::canonical(folder, failure); failure || !seen.insert(real).second) {
    return;
  }
  const FolderContent content = content_of(folder);
  files.insert(files.end(), content.files.begin(), content.files.end());
  for (const auto& inner : content.folders) {
    list_below(inner, seen, files);
  }
}

}  // namespace

std::vector<std::uint8_t> first_bytes_of(const fs::path& file) {
  try {
    return formats::read_begin(file, formats::kSniffedBytes);
  } catch (const Error&) {
    return {};
  }
}

bool IgnoredFiles::holds(const fs::path& file, const fs::path& root) const {
  if (patterns_.empty()) {
    return false;
  }
  const std::string name = file.filename().string();
  const std::string path = file.lexically_relative(root).string();
  return std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
    return fits_pattern(pattern, name) || fits_pattern(pattern, path);
  });
}

bool IgnoredFiles::holds_damaged() const {
  return std::find(patterns_.begin(), patterns_.end(), kDamaged) != patterns_.end();
}

std::string ClassFolders::shown(const fs::path& file) const {
  return readable(file.lexically_relative(root_).string());
}

/// What a file is that is no picture by its name: one after all, or left out.
void ClassFolders::sort_out(const fs::path& file, ClassTally& tally, Findings& findings) {
  const std::string ending = ending_of(file);
  const auto bytes = first_bytes_of(file);
  const bool picture = formats::picture_kind(bytes) == formats::PictureKind::kOther || is_one_of(kOtherEndings, ending);
  add_finding(findings, FindingKind::kLeftOut,
              picture ? fmt::format("pictures of a kind that is not read (read are {})", formats::kReadFormats)
                      : "files that are no pictures",
              shown(file));
  if (picture || !is_one_of(kTextEndings, ending)) {
    tally.left_out.push_back(file);
  }
}

void ClassFolders::list_class(const fs::path& folder, Label label, std::vector<PictureFile>& files,
                              Findings& findings) {
  ClassTally& tally = tallies_[folder];
  tally.folder = folder;
  std::set<fs::path> seen;
  std::vector<fs::path> all;
  list_below(folder, seen, all);
  for (const auto& file : all) {
    if (ignored_.holds(file, root_)) {
      add_finding(findings, FindingKind::kLeftOut, "files that data.ignore names", shown(file));
      continue;
    }
    const auto is_picture = [&] {
      const auto kind = formats::picture_kind(first_bytes_of(file));
      return kind != formats::PictureKind::kNone && kind != formats::PictureKind::kOther;
    };
    if (!has_picture_ending(file) && (is_one_of(kOtherEndings, ending_of(file)) || !is_picture())) {
      sort_out(file, tally, findings);
      continue;
    }
    if (file.parent_path() != folder) {
      add_finding(findings, FindingKind::kTaken, "pictures in folders within a class's folder", shown(file));
    }
    files.push_back({file, label});
    ++tally.taken;
  }
}

std::vector<PictureFile> ClassFolders::list(const fs::path& part, Findings& findings) {
  std::vector<PictureFile> files;
  const FolderContent content = content_of(part);
  for (const auto& file : content.files) {
    if (has_picture_ending(file)) {
      add_finding(findings, FindingKind::kLeftOut, "pictures beside the class folders", shown(file));
    }
  }
  // By name or by number, whichever order the classes have.
  std::map<std::string_view, std::uint64_t> places;
  for (const std::string& name : classes_) {
    places.emplace(name, places.size());
  }
  std::vector<std::pair<Label, fs::path>> folders;
  for (const auto& folder : content.folders) {
    if (holds_nothing(folder)) {
      add_finding(findings, FindingKind::kLeftOut, "class folders without a picture", shown(folder));
      continue;
    }
    const std::string name = canonical_name(folder.filename().string(), folder.string());
    const auto found = places.find(name);
    const auto number = numbered_ ? number_of(name) : std::nullopt;
    if (found == places.end() && !(number && *number < classes_.size())) {
      throw Error(ErrorKind::kData, folder.string(), "is not a class of this data set",
                  {{"classes", fmt::format("{}, the first \"{}\"", classes_.size(), classes_.front())}},
                  fmt::format("the classes of the training pictures, or of {}", kNamesFile));
    }
    folders.emplace_back(static_cast<Label>(found != places.end() ? found->second : *number), folder);
  }
  for (const auto& [label, folder] : folders) {
    const std::size_t before = files.size();
    list_class(folder, label, files, findings);
    if (files.size() == before) {
      add_finding(findings, FindingKind::kLeftOut, "class folders without a picture", shown(folder));
    }
  }
  put_in_order(files, spec_.split_seed);
  return files;
}

void ClassFolders::move_to_left_out(const PictureFile& file) {
  for (auto& [folder, tally] : tallies_) {
    if (const auto inner = file.file.lexically_relative(folder); !inner.empty() && *inner.begin() != "..") {
      --tally.taken;
      tally.left_out.push_back(file.file);
    }
  }
}

void ClassFolders::check_shares() const {
  constexpr std::size_t kMostShare = 10;  // A tenth.
  for (const auto& [folder, tally] : tallies_) {
    const std::size_t all = static_cast<std::size_t>(tally.taken) + tally.left_out.size();
    if (kMostShare * tally.left_out.size() <= all || tally.left_out.empty()) {
      continue;
    }
    std::map<std::string, std::int64_t> endings;
    std::set<std::string> patterns;
    for (const auto& file : tally.left_out) {
      const std::string ending = file.extension().string();
      ++endings[ending.empty() || has_picture_ending(file) ? file.filename().string() : ending];
      patterns.insert(ending.empty() || has_picture_ending(file) ? fmt::format("\"{}\"", shown(file))
                                                                 : fmt::format("\"*{}\"", ending));
    }
    std::vector<std::string> words;
    for (const auto& [ending, count] : endings) {
      words.push_back(fmt::format("{} {}", count, readable(ending)));
    }
    throw Error(ErrorKind::kData, folder.string(),
                fmt::format("{} of the {} files of this class are left out", tally.left_out.size(), all),
                {{"left out", fmt::format("{}, as {}", fmt::join(words, ", "), shown(tally.left_out.front()))},
                 {"read", std::string(formats::kReadFormats)}},
                fmt::format("these pictures saved as PNG, or --set 'data.ignore=[{}]'", fmt::join(patterns, ", ")));
  }
}

std::vector<std::string> class_names_of(const fs::path& part) {
  std::vector<std::string> names;
  for (const auto& folder : content_of(part).folders) {
    if (!holds_nothing(folder)) {
      names.push_back(canonical_name(folder.filename().string(), folder.string()));
    }
  }
  std::sort(names.begin(), names.end());
  if (are_numbers(names)) {
    std::stable_sort(names.begin(), names.end(),
                     [](const std::string& a, const std::string& b) { return number_of(a) < number_of(b); });
  }
  check_different(names, part.string());
  return names;
}

}  // namespace lapel::data
