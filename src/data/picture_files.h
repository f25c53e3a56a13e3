#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "lapel/data.h"

/// The files of class folders: which are pictures of which class, and which are left out.
namespace lapel::data {

/// A picture's file with its label, in the order in which it will be a sample.
struct PictureFile {
  std::filesystem::path file;
  Label label = 0;
};

/// What is known of one class folder's files, to tell whether too many are left out.
struct ClassTally {
  std::filesystem::path folder;
  std::int64_t taken = 0;
  std::vector<std::filesystem::path> left_out;  ///< Without those that `data.ignore` accepts.
};

/// Files that the recipe lets be left out (`data.ignore`).
class IgnoredFiles {
 public:
  explicit IgnoredFiles(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}
  /// Whether a pattern fits the file's name or its path from `root` on.
  [[nodiscard]] bool holds(const std::filesystem::path& file, const std::filesystem::path& root) const;
  /// Whether pictures that cannot be decoded are among them.
  [[nodiscard]] bool holds_damaged() const;

 private:
  std::vector<std::string> patterns_;
};

/// Reads the class folders of one part after the other.
class ClassFolders {
 public:
  /// `classes`: the names; `numbered`: folders may be their numbers instead.
  ClassFolders(const DataSpec& spec, std::filesystem::path root, std::vector<std::string> classes, bool numbered)
      : spec_(spec), root_(std::move(root)), classes_(std::move(classes)), numbered_(numbered), ignored_(spec.ignore) {}

  /// The pictures of the folders in `part`, those of folders within them with their class: by their names where these
  /// are numbers, each once; others in a random order by the spec's seed. Throws Error (kData) for a folder that is no
  /// class.
  [[nodiscard]] std::vector<PictureFile> list(const std::filesystem::path& part, Findings& findings);

  /// Counts a file that turned out not to be read as it was listed.
  void move_to_left_out(const PictureFile& file);

  /// Throws Error (kData) where more than a tenth of a class is left out, with the way to accept it.
  void check_shares() const;

  [[nodiscard]] const IgnoredFiles& ignored() const { return ignored_; }
  /// The file's path as people see it.
  [[nodiscard]] std::string shown(const std::filesystem::path& file) const;

 private:
  void list_class(const std::filesystem::path& folder, Label label, std::vector<PictureFile>& files,
                  Findings& findings);
  void sort_out(const std::filesystem::path& file, ClassTally& tally, Findings& findings);

  const DataSpec& spec_;
  std::filesystem::path root_;
  std::vector<std::string> classes_;
  bool numbered_;
  IgnoredFiles ignored_;
  std::map<std::filesystem::path, ClassTally> tallies_;  ///< By the class's folder.
};

/// The first bytes of a file, enough for picture_kind; empty for one that cannot be read.
[[nodiscard]] std::vector<std::uint8_t> first_bytes_of(const std::filesystem::path& file);

/// Names of the classes that the folders in `part` are: by number where all are numbers, else by their bytes. Throws
/// Error (kData) for names that are not allowed, or the same.
[[nodiscard]] std::vector<std::string> class_names_of(const std::filesystem::path& part);

}  // namespace lapel::data
