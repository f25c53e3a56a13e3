#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "lapel/error.h"
#include "lapel/recipe.h"
#include "train/options.h"

/// What a recipe can say, beside what the tables of layers/ and train/ list.
namespace lapel::recipe {

[[nodiscard]] std::span<const Option<Recipe>> recipe_table();
[[nodiscard]] std::span<const Option<DataSpec>> data_table();

/// A key of [train] whose value is a thing with options of its own.
struct TypedKey {
  std::string_view key;
  TypedSpec TrainSpec::*member;
  std::span<const training::TypeEntry> (*types)();
  std::string_view help;
};
[[nodiscard]] std::span<const TypedKey> typed_keys();

/// Keys of a layer that are not its options.
[[nodiscard]] std::span<const OptionRule> layer_keys();

/// Throws Error (kRecipe) without a place where the recipe's name cannot be the name of a folder.
void check_name(const std::string& name);

/// Throws Error (kRecipe) at the layer's place where it cannot be made.
void check_layer(const LayerSpec& spec, const std::string& name);

/// More training pictures than any data set has: for checks made before the data are read.
constexpr std::int64_t kManySamples = std::int64_t{1} << 40;

/// Runs `body`; an Error of it is seen as from within `place`.
template <class F>
auto at_place(const std::string& place, const F& body) {
  try {
    return body();
  } catch (const Error& error) {
    throw error.within(place);
  }
}

}  // namespace lapel::recipe
