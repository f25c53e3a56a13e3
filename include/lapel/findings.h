#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lapel {

/// What a reader of data says of its work.
enum class FindingKind {
  kTaken,    ///< Something was guessed, converted or chosen.
  kLeftOut,  ///< Something is there, but not among the data.
  kWarning,  ///< The data are as they were delivered, but will mislead.
};

/// One thing that the reader of a data set did by itself, left out, or finds odd: a line for a person.
struct Finding {
  FindingKind kind = FindingKind::kTaken;
  std::string what;                   ///< `files that are no pictures`, `turned as their EXIF data say`
  std::int64_t count = 0;             ///< Of the files, pictures or rows it is about; 0: of none in particular.
  std::vector<std::string> examples;  ///< Names of the first of them, at most kMostExamples.
};

inline constexpr std::size_t kMostExamples = 3;

using Findings = std::vector<Finding>;

/// Counts one more of the same kind and words.
void add_finding(Findings& findings, FindingKind kind, std::string_view what, const std::string& example,
                 std::int64_t count = 1);
/// A finding that counts nothing.
void add_remark(Findings& findings, FindingKind kind, std::string what);

}  // namespace lapel
