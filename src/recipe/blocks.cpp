#include "recipe/blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "layers/layer.h"
#include "recipe/parameters.h"
#include "recipe/schema.h"

namespace lapel::recipe {

namespace {

constexpr std::size_t kMostBlocks = 100;  // Within each other.
constexpr std::string_view kInput = "input";
/// Begins the text that stands for a layer without a name; its number follows. No name has this character.
constexpr char kNumbered = '\n';

/// Keys of a use that are no parameters.
constexpr std::array<std::string_view, 3> kOwnKeys = {"type", "inputs", "repeat"};

bool is_own_key(std::string_view key) { return std::find(kOwnKeys.begin(), kOwnKeys.end(), key) != kOwnKeys.end(); }

bool is_layer_type(std::string_view name) {
  const auto types = layers::layer_types();
  return std::any_of(types.begin(), types.end(), [&](const auto& type) { return type.type == name; });
}

bool is_list_of_tables(const TomlValue& value) {
  const TomlList* list = value.list();
  return list != nullptr && !list->empty() &&
         std::all_of(list->begin(), list->end(), [](const TomlValue& item) { return item.table() != nullptr; });
}

void check_parameters(const std::string& name, const Block& block) {
  for (const auto& parameter : block.parameters) {
    if (is_own_key(parameter)) {
      throw Error(ErrorKind::kRecipe, block.place_of(block.line),
                  fmt::format("block \"{}\": a parameter cannot be called \"{}\"", name, parameter),
                  {{"taken", fmt::format("{}", fmt::join(kOwnKeys, ", "))}}, fmt::format("\"{{its_{}}}\"", parameter));
    }
  }
  for (const auto& entry : block.defaults) {
    if (!block.parameters.contains(entry.key)) {
      const std::vector<std::string_view> known(block.parameters.begin(), block.parameters.end());
      throw Error(ErrorKind::kRecipe, block.place_of(entry.line),
                  fmt::format("block \"{}\": no layer of it has \"{{{}}}\"", name, entry.key),
                  {{"parameters", fmt::format("{}", fmt::join(known, ", "))}}, nearest_word(entry.key, known));
    }
  }
}

Block read_block(const TomlEntry& entry, const PlaceOf& place_of) {
  constexpr std::array<std::string_view, 2> kKeys = {"defaults", "layers"};
  const std::string section = fmt::format("[blocks.{}]", entry.key);
  const auto refuse = [&](std::int64_t line, const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::kRecipe, place_of(line), what, {}, hint);
  };
  if (is_layer_type(entry.key)) {
    refuse(entry.line, fmt::format("{} has the name of a layer type", section),
           fmt::format("[blocks.my_{}]", entry.key));
  }
  const TomlTable* table = entry.value.table();
  if (table == nullptr) {
    refuse(entry.line, fmt::format("\"blocks.{}\" is not a section", entry.key), section);
  }
  static_cast<void>(read_values(*table, {}, kKeys, fmt::format(" in {}", section), place_of));
  const TomlEntry* list = find_entry(*table, "layers");
  if (list == nullptr || !is_list_of_tables(list->value)) {
    refuse(list == nullptr ? entry.line : list->line,
           list == nullptr ? fmt::format("{} has no layers", section)
                           : fmt::format("the layers of {} are not a list of tables", section),
           "layers = [{ type = \"Dense\", units = \"{units}\" }]");
  }
  const TomlEntry* defaults = find_entry(*table, "defaults");
  if (defaults != nullptr && defaults->value.table() == nullptr) {
    refuse(defaults->line, fmt::format("the defaults of {} are not a table", section), "defaults = { units = 64 }");
  }
  Block block{defaults == nullptr ? TomlTable{} : *defaults->value.table(),
              *list->value.list(),
              {},
              false,
              place_of,
              entry.line};
  collect_parameters(list->value, block.parameters);
  block.uses_input = block.parameters.erase(std::string(kInput)) > 0;
  check_parameters(entry.key, block);
  return block;
}

/// Turns a list of layers and blocks into layers.
class Writer {
 public:
  explicit Writer(const Blocks& blocks) : blocks_(blocks) {}

  void write(const TomlList& layers, const PlaceOf& place_of) {
    for (const auto& layer : layers) {
      write_copies(*layer.table(), layer.line, place_of);
    }
  }

  [[nodiscard]] std::vector<PlainLayer> take() { return std::move(done_); }

 private:
  /// A layer or block, as many times as its `repeat` says.
  void write_copies(TomlTable entries, std::int64_t line, const PlaceOf& place_of) {
    const TomlEntry* repeat = find_entry(entries, "repeat");
    if (repeat == nullptr) {
      write_one(std::move(entries), line, place_of);
      return;
    }
    const auto rules = layer_keys();
    const auto rule = std::find_if(rules.begin(), rules.end(), [](const auto& one) { return one.key == "repeat"; });
    const auto copies =
        at_place(place_of(repeat->line), [&] { return std::get<std::int64_t>(read_value(*repeat, *rule)); });
    std::erase_if(entries, [](const TomlEntry& entry) { return entry.key == "repeat"; });
    for (std::int64_t copy = 1; copy <= copies; ++copy) {
      TomlTable one = entries;
      for (auto& entry : one) {
        if (entry.key == "name" && entry.value.text() != nullptr) {
          entry.value.content = fmt::format("{}_{}", *entry.value.text(), copy);
        }
      }
      if (copy > 1) {  // It takes the copy before it.
        std::erase_if(one, [](const TomlEntry& entry) { return entry.key == "inputs"; });
      }
      write_one(std::move(one), line, place_of);
    }
  }

  void write_one(TomlTable entries, std::int64_t line, const PlaceOf& place_of) {
    const TomlEntry* type = find_entry(entries, "type");
    const std::string* name = type == nullptr ? nullptr : type->value.text();
    const auto block = name == nullptr ? blocks_.end() : blocks_.find(*name);
    if (block != blocks_.end()) {
      write_block(block->first, block->second, entries, line, place_of);
      return;
    }
    if (name != nullptr && !blocks_.empty() && !name->empty() && !is_layer_type(*name)) {
      refuse_type(*name, place_of(line));
    }
    if (done_.size() == kMostLayers) {
      throw Error(ErrorKind::kRecipe, place_of(line), fmt::format("more than {} layers", kMostLayers), {},
                  "a smaller repeat");
    }
    done_.push_back({std::move(entries), line, place_of});
  }

  [[noreturn]] void refuse_type(const std::string& name, const std::string& place) const {
    std::vector<std::string_view> blocks;
    for (const auto& [block, content] : blocks_) {
      blocks.push_back(block);
    }
    std::vector<std::string_view> all = blocks;
    for (const auto& type : layers::layer_types()) {
      all.push_back(type.type);
    }
    throw Error(
        ErrorKind::kRecipe, place, fmt::format("\"{}\" is neither a layer type nor a block", name),
        {{"blocks", fmt::format("{}", fmt::join(blocks, ", "))}, {"layer types", "lapel train --help lists them"}},
        nearest_word(name, all));
  }

  void write_block(const std::string& name, const Block& block, const TomlTable& use, std::int64_t line,
                   const PlaceOf& place_of) {
    check_depth(name, place_of(line));
    check_use(name, block, use, line, place_of);
    const Input input = input_of(use);
    if (within_.empty()) {
      used_at_ = place_of(line);
    }
    within_.push_back(name);
    const PlaceOf inner_place_of = [definition = block.place_of, use_place = used_at_](std::int64_t inner_line) {
      return fmt::format("{}, used at {}", definition(inner_line), use_place);
    };
    bool input_is_used = false;
    for (std::size_t i = 0; i < block.layers.size(); ++i) {
      TomlTable entries;
      for (const auto& entry : *block.layers[i].table()) {
        const ParameterValue value_of = [&](const std::string& parameter) -> const TomlValue& {
          if (parameter == kInput) {
            input_is_used = true;
            return input_value(input, entry, name);
          }
          const TomlEntry* given = find_entry(use, parameter);
          return (given != nullptr ? given : find_entry(block.defaults, parameter))->value;
        };
        TomlEntry whole = entry;
        whole.value = at_place(inner_place_of(entry.line), [&] { return filled(entry.value, value_of); });
        entries.push_back(std::move(whole));
      }
      if (i == 0 && input.given && find_entry(entries, "inputs") == nullptr) {
        input_is_used = true;
        entries.push_back(*find_entry(use, "inputs"));
      }
      write_copies(std::move(entries), block.layers[i].line, inner_place_of);
    }
    within_.pop_back();
    if (input.given && !input_is_used) {
      throw Error(ErrorKind::kRecipe, place_of(find_entry(use, "inputs")->line),
                  fmt::format("block \"{}\" does not use the inputs it is given", name),
                  {{"its layers", block.place_of(block.line)}}, "inputs = [\"{input}\"] in one of them");
    }
  }

  void check_depth(const std::string& name, const std::string& place) const {
    if (std::find(within_.begin(), within_.end(), name) != within_.end()) {
      throw Error(ErrorKind::kRecipe, place, fmt::format("block \"{}\" contains itself", name),
                  {{"each within the one before", fmt::format("{}, {}", fmt::join(within_, ", "), name)}});
    }
    if (within_.size() == kMostBlocks) {
      throw Error(ErrorKind::kRecipe, place, fmt::format("blocks within blocks, more than {} deep", kMostBlocks));
    }
  }

  static void check_use(const std::string& name, const Block& block, const TomlTable& use, std::int64_t line,
                        const PlaceOf& place_of) {
    const std::vector<std::string_view> known(block.parameters.begin(), block.parameters.end());
    for (const auto& entry : use) {
      if (!is_own_key(entry.key) && !block.parameters.contains(entry.key)) {
        throw Error(ErrorKind::kRecipe, place_of(entry.line),
                    fmt::format("block \"{}\" has no parameter \"{}\"", name, entry.key),
                    {{"parameters", known.empty() ? "none" : fmt::format("{}", fmt::join(known, ", "))}},
                    nearest_word(entry.key, known));
      }
    }
    for (const auto& parameter : block.parameters) {
      if (find_entry(use, parameter) == nullptr && find_entry(block.defaults, parameter) == nullptr) {
        throw Error(ErrorKind::kRecipe, place_of(line),
                    fmt::format("block \"{}\" needs a value for \"{}\"", name, parameter),
                    {{"block", block.place_of(block.line)}}, fmt::format("{} = ...", parameter));
      }
    }
  }

  /// What "{input}" stands for in a use of a block.
  struct Input {
    std::optional<TomlValue> layer;  ///< Its one input.
    bool given = false;              ///< By `inputs`; else it is the layer before.
  };

  [[nodiscard]] Input input_of(const TomlTable& use) const {
    if (const TomlEntry* inputs = find_entry(use, "inputs")) {
      const TomlList* list = inputs->value.list();
      const bool one = list != nullptr && list->size() == 1 && list->front().text() != nullptr;
      return {one ? std::optional(list->front()) : std::nullopt, true};
    }
    if (done_.empty()) {
      return {};
    }
    const TomlEntry* name = find_entry(done_.back().entries, "name");
    return {name != nullptr && name->value.text() != nullptr
                ? name->value
                : TomlValue{fmt::format("{}{}", kNumbered, done_.size() - 1), done_.back().line},
            false};
  }

  static const TomlValue& input_value(const Input& input, const TomlEntry& entry, const std::string& name) {
    if (entry.key != "inputs") {
      throw Error(ErrorKind::kRecipe, {}, fmt::format("{} = {} is not allowed", entry.key, toml_text(entry.value)), {},
                  "\"{input}\" in inputs alone");
    }
    if (!input.layer) {
      throw Error(ErrorKind::kRecipe, {},
                  input.given ? fmt::format("block \"{}\" takes one \"{{input}}\", and has several", name)
                              : fmt::format("block \"{}\" takes \"{{input}}\", and no layer comes before it", name),
                  {}, input.given ? "inputs = [...] with one name" : "a layer of the type Input before it");
    }
    return *input.layer;
  }

  const Blocks& blocks_;
  std::vector<PlainLayer> done_;
  std::vector<std::string> within_;  ///< The blocks that are being written, each within the one before.
  std::string used_at_;              ///< The place of the outermost of them.
};

}  // namespace

std::vector<OptionInfo> block_options() {
  return {
      {.key = "blocks.NAME.layers",
       .type = "list of tables",
       .default_value = "required",
       .help = "layers, or blocks; \"{filters}\" in a text is a parameter, \"{input}\" in inputs the block's input"},
      {.key = "blocks.NAME.defaults",
       .type = "table",
       .default_value = "{}",
       .help = "values of parameters that a use of the block leaves out"}};
}

void read_blocks(const TomlTable& document, const PlaceOf& place_of, Blocks& blocks) {
  const TomlEntry* section = find_entry(document, kBlocksKey);
  if (section == nullptr) {
    return;
  }
  if (section->value.table() == nullptr) {
    throw Error(ErrorKind::kRecipe, place_of(section->line), "\"blocks\" is not a section", {}, "[blocks.my_block]");
  }
  for (const auto& entry : *section->value.table()) {
    blocks.insert_or_assign(entry.key, read_block(entry, place_of));
  }
}

std::vector<PlainLayer> plain_layers(const TomlList& layers, const Blocks& blocks, const PlaceOf& place_of) {
  Writer writer(blocks);
  writer.write(layers, place_of);
  return writer.take();
}

void name_inputs(LayerSpec& spec, std::span<const std::string> names) {
  for (auto& input : spec.inputs) {
    std::size_t number = 0;
    const auto read = std::from_chars(input.data() + (input.empty() ? 0 : 1), input.data() + input.size(), number);
    if (!input.empty() && input.front() == kNumbered && read.ec == std::errc() && number < names.size()) {
      input = names[number];
    }
  }
}

}  // namespace lapel::recipe
