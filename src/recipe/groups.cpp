#include "recipe/groups.h"

#include <fmt/format.h>

#include <algorithm>

#include "recipe/schema.h"
#include "train/options.h"

namespace lapel::recipe {

std::vector<WeightGroup> read_groups(const TomlEntry& entry, const PlaceOf& place_of) {
  const TomlList* list = entry.value.list();
  const auto is_table = [](const TomlValue& item) { return item.table() != nullptr; };
  if (list == nullptr || !std::all_of(list->begin(), list->end(), is_table)) {
    throw Error(ErrorKind::kRecipe, place_of(entry.line),
                fmt::format("{} = {} is not allowed", kGroupsKey, toml_text(entry.value)),
                {{"allowed", "a list of tables"}}, "groups = [{ match = \"*/bias\", weight_decay = 0 }]");
  }
  const auto rules = rules_of(training::group_options());
  std::vector<WeightGroup> groups;
  for (const auto& item : *list) {
    const auto values = read_values(*item.table(), rules, {}, " in train.groups", place_of);
    groups.push_back(at_place(place_of(item.line), [&] { return read_options(training::group_options(), values); }));
  }
  return groups;
}

std::string groups_line(std::span<const WeightGroup> groups) {
  std::string text;
  for (const auto& group : groups) {
    const OptionValues values = write_options(training::group_options(), group);
    std::string options;
    for (const auto& rule : rules_of(training::group_options())) {
      options +=
          fmt::format("{}{} = {}", options.empty() ? "" : ", ", rule.key, option_text(values.find(rule.key)->second));
    }
    text += fmt::format("{}{{ {} }}", text.empty() ? "" : ", ", options);
  }
  return fmt::format("{} = [{}]\n", kGroupsKey, text);
}

}  // namespace lapel::recipe
