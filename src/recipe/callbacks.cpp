#include "recipe/callbacks.h"

#include <fmt/format.h>

#include <algorithm>

#include "lapel/error.h"
#include "train/callbacks/callback_type.h"

namespace lapel::recipe {

std::vector<TypedSpec> read_callbacks(const TomlEntry& entry, const PlaceOf& place_of) {
  constexpr std::string_view kExample = "type = \"EarlyStopping\"";
  const TomlList* list = entry.value.list();
  const auto is_table = [](const TomlValue& item) { return item.table() != nullptr; };
  if (list == nullptr || !std::all_of(list->begin(), list->end(), is_table)) {
    throw Error(ErrorKind::kRecipe, place_of(entry.line),
                fmt::format("{} = {} is not allowed", kCallbacksKey, toml_text(entry.value)),
                {{"allowed", "a list of tables"}}, fmt::format("callbacks = [{{ {} }}]", kExample));
  }
  std::vector<TypedSpec> callbacks;
  for (const auto& item : *list) {
    if (find_entry(*item.table(), "type") == nullptr) {
      throw Error(ErrorKind::kRecipe, place_of(item.line), "a callback without a type", {}, std::string(kExample));
    }
    callbacks.push_back(
        read_typed({"callback", item, item.line}, "callback", training::callback_types(), {}, place_of));
    static_cast<void>(training::make_callback(callbacks.back(), {}));
  }
  return callbacks;
}

std::string callback_lines(std::span<const TypedSpec> callbacks) {
  std::string text;
  for (const auto& spec : callbacks) {
    const TypedSpec full = training::resolved("callback", training::callback_types(), spec);
    text += fmt::format("\n[[train.{}]]\ntype = {}\n", kCallbacksKey, option_text(full.type));
    for (const auto& rule : training::find_type(training::callback_types(), full.type).rules) {
      text += fmt::format("{} = {}\n", rule.key, option_text(rule, full.options.find(rule.key)->second));
    }
  }
  return text;
}

}  // namespace lapel::recipe
