#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "lapel/data.h"

/// What the readers of all forms do alike: class names, and the checks of parts against each other.
namespace lapel::data {

/// What a data set is called: the known name, where training labels and class names are those of a known data set, in
/// whatever form it came; else the name of its file or folder.
[[nodiscard]] std::string name_of(const std::filesystem::path& location, std::span<const Label> train_labels,
                                  const std::vector<std::string>& class_names);

/// One part as read, and the name of what holds its labels, for messages.
struct NamedPart {
  LabeledPictures content;
  std::string labels;
  std::int64_t first_line = 0;          ///< Where they are lines of a text: that of the first; else 0.
  std::vector<std::string> words = {};  ///< Where labels are words: labels count in it.
};

/// The parts of a data set; any may be empty, and so may be the pictures of `train`.
struct NamedParts {
  NamedPart train;
  NamedPart validation;
  NamedPart test;
};

/// A data set of labels that are numbers or words. Class names: kNamesFile in `folder` if it is there; a known data
/// set's own if the training labels are its own; else the words, or the numbers that occur among the training labels
/// (the test labels, where there are none). Throws Error (kData) for labels that are none of the classes and for parts
/// whose pictures differ in size.
[[nodiscard]] DataSet assemble(const std::filesystem::path& location, const std::filesystem::path& folder,
                               NamedParts parts);

/// Says what misleads in the pictures of a data set: nearly one grey alone, classes without a training picture.
void add_warnings(DataSet& data);

/// Takes `fraction` of each class (rounded), chosen by `seed` alone, from the training part for a test part. Both keep
/// the order they had.
void split_test(DataSet& data, double fraction, std::uint64_t seed);

/// The samples of `part` at the places for which `chosen` says `wanted`, in their order.
[[nodiscard]] LabeledPictures chosen_samples(const LabeledPictures& part, const std::vector<bool>& chosen, bool wanted);

/// So many of each class (`fraction` of it, rounded), chosen by `seed` and `purpose` alone.
[[nodiscard]] std::vector<bool> stratified_choice(std::span<const Label> labels, std::size_t classes, double fraction,
                                                  std::uint64_t seed, std::uint32_t purpose);

}  // namespace lapel::data
