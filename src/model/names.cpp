#include "model/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "lapel/error.h"
#include "layers/layer.h"

namespace lapel::model {

namespace {

using Names = std::set<std::string, std::less<>>;

/// `base`, `base_1`, `base_2`, ...
std::string numbered(std::string_view base, std::size_t number) {
  return number == 0 ? std::string(base) : fmt::format("{}_{}", base, number);
}

/// The first number from `from` on with which no name is taken.
std::size_t free_number(std::string_view base, const Names& taken, std::size_t from = 0) {
  while (taken.contains(numbered(base, from))) {
    ++from;
  }
  return from;
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

/// The names that were given. Throws where one cannot be a name, or is given twice.
Names given_names(std::span<const LayerSpec> layers) {
  Names names;
  for (const auto& spec : layers) {
    if (!std::all_of(spec.name.begin(), spec.name.end(), is_name_character)) {
      throw Error(ErrorKind::kRecipe, spec.place, fmt::format("name = {} is not allowed", option_text(spec.name)),
                  {{"allowed", "letters, digits, \"_\", \".\" and \"-\""}});
    }
    if (!spec.name.empty() && !names.insert(spec.name).second) {
      const auto first =
          std::find_if(layers.begin(), layers.end(), [&](const auto& one) { return one.name == spec.name; });
      const std::string& place = first->place;
      throw Error(ErrorKind::kRecipe, layer_place(spec, spec.name), "another layer has this name",
                  place.empty() ? std::vector<ErrorFact>{} : std::vector<ErrorFact>{{"the other", place}},
                  fmt::format("name = \"{}\"", numbered(spec.name, free_number(spec.name, names))));
    }
  }
  return names;
}

}  // namespace

std::string layer_place(const LayerSpec& spec, std::string_view name) {
  return fmt::format("{}{}layer '{}' ({})", spec.place, spec.place.empty() ? "" : ", ", name, spec.type);
}

std::vector<std::string> layer_names(std::span<const LayerSpec> layers) {
  Names taken = given_names(layers);
  std::map<std::string_view, std::size_t> next;  // The number to try first, by what the names begin with.
  std::vector<std::string> names;
  for (const auto& spec : layers) {
    try {
      const auto& type = layers::find_layer_type(spec.type);
      if (spec.name.empty()) {
        std::size_t& number = next[type.base_name];
        number = free_number(type.base_name, taken, number);
        names.push_back(numbered(type.base_name, number));
        taken.insert(names.back());
      } else {
        names.push_back(spec.name);
      }
    } catch (const Error& error) {
      throw error.within(spec.place);
    }
  }
  return names;
}

}  // namespace lapel::model
