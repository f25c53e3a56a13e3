#include "model/names.h"

#include <fmt/format.h>

#include <algorithm>

#include "lapel/error.h"
#include "layers/layer.h"

namespace lapel::model {

namespace {

bool is_taken(std::string_view name, std::span<const std::string> taken) {
  return std::find(taken.begin(), taken.end(), name) != taken.end();
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

/// The names that were given, in the order of the layers; empty where none was.
std::vector<std::string> given_names(std::span<const LayerSpec> layers) {
  std::vector<std::string> names;
  for (const auto& spec : layers) {
    if (!std::all_of(spec.name.begin(), spec.name.end(), is_name_character)) {
      throw Error(ErrorKind::kRecipe, spec.place, fmt::format("name = {} is not allowed", option_text(spec.name)),
                  {{"allowed", "letters, digits, \"_\", \".\" and \"-\""}});
    }
    if (!spec.name.empty() && is_taken(spec.name, names)) {
      const auto first = std::find(names.begin(), names.end(), spec.name) - names.begin();
      const std::string& place = layers[static_cast<std::size_t>(first)].place;
      throw Error(ErrorKind::kRecipe, layer_place(spec, spec.name), "another layer has this name",
                  place.empty() ? std::vector<ErrorFact>{} : std::vector<ErrorFact>{{"the other", place}},
                  fmt::format("name = \"{}\"", free_name(spec.name, names)));
    }
    names.push_back(spec.name);
  }
  return names;
}

}  // namespace

std::string free_name(std::string_view base, std::span<const std::string> taken) {
  std::string name(base);
  for (int suffix = 1; is_taken(name, taken); ++suffix) {
    name = fmt::format("{}_{}", base, suffix);
  }
  return name;
}

std::string layer_place(const LayerSpec& spec, std::string_view name) {
  return fmt::format("{}{}layer '{}' ({})", spec.place, spec.place.empty() ? "" : ", ", name, spec.type);
}

std::vector<std::string> layer_names(std::span<const LayerSpec> layers) {
  std::vector<std::string> names = given_names(layers);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    try {
      const auto& type = layers::find_layer_type(layers[i].type);
      if (names[i].empty()) {
        names[i] = free_name(type.base_name, names);
      }
    } catch (const Error& error) {
      throw error.within(layers[i].place);
    }
  }
  return names;
}

}  // namespace lapel::model
