#include "train/weight_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/pattern.h"
#include "lapel/error.h"

namespace lapel::training {

namespace {

/// Some of the names of trainable weights, for a message.
std::string names_of(std::span<const plan::ParameterEntry> entries) {
  constexpr std::size_t kMost = 12;
  std::vector<std::string_view> names;
  for (const auto& entry : entries) {
    if (entry.spec.trainable) {
      names.push_back(entry.name);
    }
  }
  const std::size_t shown = std::min(names.size(), kMost);
  const std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  return shown < names.size() ? fmt::format("{}, and {} more", text, names.size() - shown) : text;
}

}  // namespace

std::vector<WeightGroup> groups_of(std::span<const WeightGroup> groups, std::span<const plan::ParameterEntry> entries) {
  std::vector<WeightGroup> result(entries.size());
  for (const auto& group : groups) {
    bool used = false;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].spec.trainable && fits_pattern(group.match, entries[i].name)) {
        result[i] = group;
        used = true;
      }
    }
    if (!used) {
      throw Error(ErrorKind::kRecipe, "train.groups", fmt::format("no weight fits \"{}\"", group.match),
                  {{"weights", names_of(entries)}}, "match = \"*/bias\"");
    }
  }
  return result;
}

}  // namespace lapel::training
