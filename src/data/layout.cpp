#include "data/layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "data/class_names.h"
#include "formats/sniff.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 11> kPictureEndings = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp",
                                                              ".gif", ".bmp", ".dib",  ".tif", ".tiff"};

// What operating systems and editors leave beside people's files.
constexpr std::array<std::string_view, 10> kLeftBehind = {
    "__macosx",     "@eadir",      "$recycle.bin", "system volume information",
    "lost+found",   "__pycache__", "thumbs.db",    "desktop.ini",
    "node_modules", "cvs"};

constexpr std::array<std::string_view, 6> kTrainWords = {"train",       "training",  "trainset",
                                                         "trainingset", "traindata", "trainingdata"};
constexpr std::array<std::string_view, 10> kValidationWords = {
    "val", "valid", "validation", "dev", "eval", "validationset", "valset", "validset", "validationdata", "evaluation"};
constexpr std::array<std::string_view, 6> kTestWords = {"test",       "testing",  "testset",
                                                        "testingset", "testdata", "testingdata"};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

template <std::size_t kCount>
bool is_one_of(const std::array<std::string_view, kCount>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool left_behind(const std::string& name) {
  return name.starts_with('.') || name.ends_with('~') || is_one_of(kLeftBehind, lower(name));
}

PartName part_of_word(std::string_view word) {
  return is_one_of(kTrainWords, word)        ? PartName::kTrain
         : is_one_of(kValidationWords, word) ? PartName::kValidation
         : is_one_of(kTestWords, word)       ? PartName::kTest
                                             : PartName::kNone;
}

constexpr std::string_view part_word(PartName part) {
  return part == PartName::kTrain ? "train" : part == PartName::kTest ? "test" : "val";
}

bool has_class_folders(const fs::path& folder) {
  const auto folders = content_of(folder).folders;
  return std::any_of(folders.begin(), folders.end(), holds_pictures_below);
}

/// The folder of class folders in what is called a part: itself, or the one folder that it holds, as Kaggle's
/// `seg_train/seg_train/CLASS`.
fs::path class_parent(fs::path folder) {
  while (const auto inner = only_folder(folder)) {
    const auto folders = content_of(*inner).folders;
    if (folders.size() < 2 || !has_class_folders(*inner)) {
      break;
    }
    folder = *inner;
  }
  return folder;
}

/// The folder that is this part: the one of the plainest name. Throws Error (kData) where two may be it.
fs::path find_part(const std::vector<fs::path>& folders, PartName part, const fs::path& place) {
  std::vector<fs::path> found;
  for (const auto& folder : folders) {
    if (part_of_name(folder.filename().string()) == part && !holds_pictures(folder) && has_class_folders(folder)) {
      found.push_back(folder);
    }
  }
  std::vector<fs::path> plain;
  std::copy_if(found.begin(), found.end(), std::back_inserter(plain), [](const fs::path& folder) {
    return part_of_word(lower(folder.filename().string())) != PartName::kNone;
  });
  const auto& chosen = plain.empty() ? found : plain;
  if (chosen.size() > 1) {
    throw Error(ErrorKind::kData, place.string(),
                fmt::format("{} folders may be the part {}", chosen.size(), part_word(part)),
                {{"folders", fmt::format("{}, {}", chosen[0].filename().string(), chosen[1].filename().string())}},
                "one of them, the other outside of this folder");
  }
  return chosen.empty() ? fs::path() : chosen.front();
}

/// Says which folders are taken for which part, where their names are others than ours, and which are not taken.
void tell_parts(const std::vector<fs::path>& folders, const PictureLayout& layout, Findings& findings) {
  for (const auto& folder : folders) {
    const std::string name = folder.filename().string();
    const auto within = [&](const fs::path& part) {
      return !part.empty() && part.lexically_relative(folder).string().find("..") == std::string::npos;
    };
    const bool taken = within(layout.train) || within(layout.validation) || within(layout.test);
    if (!taken && holds_pictures_below(folder)) {
      const bool unlabelled = part_of_name(name) == PartName::kTest;
      add_finding(findings, FindingKind::kLeftOut,
                  unlabelled ? "folders of test pictures without classes (lapel predict names them)"
                             : "folders beside the parts of the data set",
                  readable(name));
    } else if (taken && name != part_word(part_of_name(name))) {
      add_finding(findings, FindingKind::kTaken, fmt::format("taken for the part {}", part_word(part_of_name(name))),
                  readable(name));
    }
  }
}

// Folders of pictures, not of a class.
constexpr std::array<std::string_view, 14> kAnyPictures = {"images", "image",   "imgs",      "img",       "pictures",
                                                           "pics",   "photos",  "png",       "jpg",       "jpeg",
                                                           "all",    "unknown", "unlabeled", "unlabelled"};

/// Whether a test part's pictures lie in one folder, which is no class: `test/images`, `test/test`.
bool has_no_classes_of(const fs::path& train, const fs::path& test) {
  std::error_code ignored;
  const auto inner = test.empty() || train.empty() ? std::nullopt : only_folder(test);
  const std::string name = inner ? inner->filename().string() : std::string();
  return (is_one_of(kAnyPictures, lower(name)) || part_of_name(name) == PartName::kTest) &&
         !fs::exists(train / name, ignored);
}

/// Folders that all hold the same folders may be parts by names that are not known.
void tell_alike(const std::vector<fs::path>& classes, Findings& findings) {
  const auto names_in = [](const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& inner : content_of(folder).folders) {
      names.push_back(readable(inner.filename().string()));
    }
    return names;
  };
  const std::vector<std::string> first = classes.empty() ? std::vector<std::string>() : names_in(classes.front());
  const bool alike = classes.size() > 1 && first.size() > 1 &&
                     std::all_of(classes.begin(), classes.end(),
                                 [&](const fs::path& one) { return !holds_pictures(one) && names_in(one) == first; });
  if (alike) {
    add_remark(
        findings, FindingKind::kWarning,
        fmt::format("all {} classes hold the same folders ({}): if these are the classes, train, val and test are "
                    "the names of the folders around them",
                    classes.size(), fmt::join(first, ", ")));
  }
}

/// Classes that each have their own folders train and test cannot be told from classes with any other folders in them.
void refuse_parts_within_classes(const std::vector<fs::path>& classes, const fs::path& place) {
  std::map<PartName, fs::path> parts;
  for (const auto& one : classes) {
    if (holds_pictures(one)) {
      continue;
    }
    for (const auto& folder : content_of(one).folders) {
      parts.emplace(part_of_name(folder.filename().string()), folder);
    }
  }
  if (parts.contains(PartName::kTrain) && (parts.contains(PartName::kTest) || parts.contains(PartName::kValidation))) {
    const fs::path& inner = parts.at(PartName::kTrain);
    throw Error(ErrorKind::kData, place.string(),
                "the classes hold the parts, where the parts have to hold the classes",
                {{"for instance", inner.lexically_relative(place).string()}},
                fmt::format("the pictures of {} moved to {}/{}", inner.lexically_relative(place).string(), "train",
                            inner.parent_path().filename().string()));
  }
}

}  // namespace

FolderContent content_of(const fs::path& folder) {
  FolderContent content;
  std::error_code failure;
  fs::directory_iterator entries(folder, failure);
  for (; !failure && entries != fs::directory_iterator(); entries.increment(failure)) {
    if (left_behind(entries->path().filename().string())) {
      continue;
    }
    std::error_code ignored;
    (entries->is_directory(ignored) ? content.folders : content.files).push_back(entries->path());
  }
  if (failure) {
    throw Error(ErrorKind::kIo, folder.string(), "cannot be read: " + failure.message(), {},
                "a folder that you may read");
  }
  // All are of one folder: their texts have the order of their paths.
  const auto before = [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); };
  std::sort(content.folders.begin(), content.folders.end(), before);
  std::sort(content.files.begin(), content.files.end(), before);
  return content;
}

bool has_picture_ending(const fs::path& file) { return is_one_of(kPictureEndings, lower(file.extension().string())); }

namespace {

/// By its ending, or where it has none by its first bytes.
bool is_picture(const fs::path& file) {
  if (!file.extension().empty()) {
    return has_picture_ending(file);
  }
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) {
    return false;  // A pipe would be waited for.
  }
  std::array<char, formats::kSniffedBytes> begin{};
  std::ifstream stream(file, std::ios::binary);
  stream.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(begin.data());
  return formats::picture_kind({bytes, static_cast<std::size_t>(stream.gcount())}) != formats::PictureKind::kNone;
}

}  // namespace

bool holds_pictures(const fs::path& folder) {
  const auto files = content_of(folder).files;
  return std::any_of(files.begin(), files.end(), is_picture);
}

bool holds_pictures_below(const fs::path& folder) {
  constexpr int kDeepest = 8;
  std::set<fs::path> seen;  // A link can lead back to a folder above it.
  const auto below = [&](const auto& self, const fs::path& at, int depth) -> bool {
    std::error_code failure;
    if (const fs::path real = fs::canonical(at, failure); failure || !seen.insert(real).second) {
      return false;
    }
    const FolderContent content = content_of(at);
    return std::any_of(content.files.begin(), content.files.end(), is_picture) ||
           (depth < kDeepest && std::any_of(content.folders.begin(), content.folders.end(),
                                            [&](const fs::path& inner) { return self(self, inner, depth + 1); }));
  };
  return below(below, folder, 0);
}

PartName part_of_name(std::string_view name) {
  const std::string text = lower(name);
  PartName found = part_of_word(text);
  std::string joined;
  for (std::size_t begin = 0; begin < text.size() && found == PartName::kNone;) {
    std::size_t end = begin;
    while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end])) != 0) {
      ++end;
    }
    found = part_of_word(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
  }
  return found;
}

std::optional<PictureLayout> find_picture_layout(const fs::path& place, Findings& findings) {
  const FolderContent content = content_of(place);
  PictureLayout layout{place, {}, {}, {}};
  layout.train = find_part(content.folders, PartName::kTrain, place);
  layout.validation = find_part(content.folders, PartName::kValidation, place);
  layout.test = find_part(content.folders, PartName::kTest, place);
  if (!layout.train.empty() || !layout.validation.empty() || !layout.test.empty()) {
    for (fs::path* part : {&layout.train, &layout.validation, &layout.test}) {
      *part = part->empty() ? *part : class_parent(*part);
    }
    if (has_no_classes_of(layout.train, layout.test)) {
      layout.test.clear();
    }
    tell_parts(content.folders, layout, findings);
    return layout;
  }
  if (!has_class_folders(place)) {
    return std::nullopt;
  }
  // One folder that holds several folders of pictures is a step on the way, not a class.
  if (const auto inner = only_folder(place);
      inner && !holds_pictures(*inner) && content_of(*inner).folders.size() > 1) {
    return std::nullopt;
  }
  if (const auto inner = only_folder(place); inner && !holds_pictures(*inner) && only_folder(*inner)) {
    return std::nullopt;
  }
  refuse_parts_within_classes(content.folders, place);
  tell_alike(content.folders, findings);
  layout.train = place;
  return layout;
}

std::optional<fs::path> only_folder(const fs::path& place) {
  const FolderContent content = content_of(place);
  const bool pictures = std::any_of(content.files.begin(), content.files.end(), has_picture_ending);
  return content.folders.size() == 1 && !pictures ? std::optional(content.folders.front()) : std::nullopt;
}

std::string words_for_content(const fs::path& place) {
  constexpr std::size_t kShown = 5;
  const FolderContent content = content_of(place);
  std::map<std::string, std::int64_t> endings;
  for (const auto& file : content.files) {
    ++endings[file.extension().empty() ? "without an ending" : readable(file.extension().string())];
  }
  std::vector<std::string> words;
  for (const auto& [ending, count] : endings) {
    if (words.size() < kShown) {
      words.push_back(fmt::format("{} {}", count, ending));
    }
  }
  const auto names = [&](const std::vector<fs::path>& paths) {
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < std::min(kShown, paths.size()); ++i) {
      shown.push_back(readable(paths[i].filename().string()));
    }
    return fmt::format("{}{}", fmt::join(shown, ", "), paths.size() > kShown ? ", ..." : "");
  };
  std::string text = content.files.empty()
                         ? std::string()
                         : fmt::format("files: {} ({})", fmt::join(words, ", "), names(content.files));
  if (!content.folders.empty()) {
    text += fmt::format("{}folders: {}", text.empty() ? "" : "; ", names(content.folders));
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace lapel::data
