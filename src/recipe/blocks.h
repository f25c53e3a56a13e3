#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lapel/recipe.h"
#include "recipe/toml_options.h"
#include "recipe/toml_tree.h"

/// Blocks: layers with parameters, written once and used as one layer.
///
///     [blocks.conv_norm]
///     defaults = { kernel_size = 3 }
///     layers = [
///       { type = "Conv2D", name = "{name}", filters = "{filters}", kernel_size = "{kernel_size}" },
///       { type = "BatchNormalization", name = "{name}_norm" },
///     ]
///
/// `{ type = "conv_norm", name = "conv1", filters = 32 }` among the layers stands for these two. Blocks may use blocks.
namespace lapel::recipe {

struct Block {
  TomlTable defaults;
  TomlList layers;
  std::set<std::string, std::less<>> parameters;  ///< All that stand in braces in its layers, without `input`.
  bool uses_input = false;                        ///< Whether "{input}" stands in its layers.
  PlaceOf place_of;                               ///< Of the file in which it is.
  std::int64_t line = 0;
};
using Blocks = std::map<std::string, Block, std::less<>>;

inline constexpr std::string_view kBlocksKey = "blocks";

/// The keys of a block, for the help.
[[nodiscard]] std::vector<OptionInfo> block_options();

/// Adds those of `[blocks]`; one takes the place of another of the same name. Throws Error (kRecipe) at its place.
void read_blocks(const TomlTable& document, const PlaceOf& place_of, Blocks& blocks);

/// A layer that is no block: its entries, with every parameter filled in.
struct PlainLayer {
  TomlTable entries;
  std::int64_t line = 0;
  PlaceOf place_of;  ///< `minute.toml:9`, or of a block's layer `minute.toml:9, used at fashion.toml:31`.
};

/// The layers that a list of layers and blocks stands for, copies by `repeat` included. Throws Error (kRecipe) at the
/// place of what is wrong, as for a parameter without a value, a block that contains itself, or more than 10,000
/// layers.
[[nodiscard]] std::vector<PlainLayer> plain_layers(const TomlList& layers, const Blocks& blocks,
                                                   const PlaceOf& place_of);

/// Where "{input}" stood for a layer without a name: gives it the name it has among `names`.
void name_inputs(LayerSpec& spec, std::span<const std::string> names);

}  // namespace lapel::recipe
