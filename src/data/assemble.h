#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lapel/data.h"

/// What the readers of all forms do alike: class names, and the checks of two parts against each other.
namespace lapel::data {

/// The file with the names of the classes, one a line.
inline constexpr const char* kNamesFile = "class_names.txt";

/// The lines of a class_names.txt. Throws Error (kData) for an empty line between them, or fewer than two.
[[nodiscard]] std::vector<std::string> read_class_names(const std::filesystem::path& file);

/// What a data set is called: the known name, where training labels and class names are those of a known data set, in
/// whatever form it came; else the name of its file or folder.
[[nodiscard]] std::string name_of(const std::filesystem::path& location, std::span<const Label> train_labels,
                                  const std::vector<std::string>& class_names);

/// One part as read, and the name of what holds its labels, for messages.
struct NamedPart {
  LabeledPictures content;
  std::string labels;
  std::int64_t first_line = 0;  ///< Where they are lines of a text: that of the first; else 0.
};

/// A data set of labels that are numbers. Class names: kNamesFile in `folder` if it is there; a known data set's own if
/// the training labels are its own; else the numbers up to the largest training label, two at least. `test` may be
/// empty, and so may be the pictures of `train`. Throws Error (kData) for labels beyond the classes and for parts whose
/// pictures differ in size.
[[nodiscard]] DataSet assemble(const std::filesystem::path& location, const std::filesystem::path& folder,
                               NamedPart train, NamedPart test);

/// Takes `fraction` of each class (rounded), chosen by `seed` alone, from the training part for a test part. Both keep
/// the order they had.
void split_test(DataSet& data, double fraction, std::uint64_t seed);

}  // namespace lapel::data
