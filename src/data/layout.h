#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lapel/findings.h"

/// What lies in a folder, and which part of a data set it is: the one place that decides.
namespace lapel::data {

/// Files and folders of one folder, by name; without hidden ones and those that systems and editors leave
/// (`__MACOSX`, `Thumbs.db`).
struct FolderContent {
  std::vector<std::filesystem::path> folders;
  std::vector<std::filesystem::path> files;
};

/// Throws Error (kIo) where the folder cannot be read.
[[nodiscard]] FolderContent content_of(const std::filesystem::path& folder);

/// Whether the name of a file ends as those of pictures that are read.
[[nodiscard]] bool has_picture_ending(const std::filesystem::path& file);

/// Whether a picture that is read lies in the folder itself, or below it.
[[nodiscard]] bool holds_pictures(const std::filesystem::path& folder);
[[nodiscard]] bool holds_pictures_below(const std::filesystem::path& folder);

enum class PartName { kNone, kTrain, kValidation, kTest };

/// Which part a file or folder of this name is: `train`, `Training Set`, `seg_train`, `val`, `valid`, `validation`,
/// `dev`, `test`, `testing`.
[[nodiscard]] PartName part_of_name(std::string_view name);

/// Where the pictures of a data set are: folders of class folders; empty for a part that is not there.
struct PictureLayout {
  std::filesystem::path place;  ///< The folder that holds the parts, or the classes.
  std::filesystem::path train;
  std::filesystem::path validation;
  std::filesystem::path test;
};

/// The layout of a folder; nothing where no sub-folder holds pictures. Throws Error (kData) where two folders may be
/// the same part, and where each class has its parts within it.
[[nodiscard]] std::optional<PictureLayout> find_picture_layout(const std::filesystem::path& place, Findings& findings);

/// The folder within `place` where a data set lies, where `place` holds nothing but this one folder; else nothing.
[[nodiscard]] std::optional<std::filesystem::path> only_folder(const std::filesystem::path& place);

/// What a folder holds, for a message: `12 .png, 3 .txt; folders a, b, c`.
[[nodiscard]] std::string words_for_content(const std::filesystem::path& place);

}  // namespace lapel::data
