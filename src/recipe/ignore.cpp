#include "recipe/ignore.h"

#include <fmt/format.h>

#include "base/options.h"
#include "lapel/error.h"

namespace lapel::recipe {

std::vector<std::string> read_ignore(const TomlValue& value) {
  std::vector<std::string> patterns;
  const TomlList* list = value.list();
  bool texts = list != nullptr;
  for (std::size_t i = 0; texts && i < list->size(); ++i) {
    texts = (*list)[i].text() != nullptr;
    patterns.push_back(texts ? *(*list)[i].text() : std::string());
  }
  if (!texts) {
    throw Error(ErrorKind::kRecipe, {}, fmt::format("{} = {} is not allowed", kIgnoreKey, toml_text(value)),
                {{"allowed", "a list of patterns"}}, "ignore = [\"*.tif\"]");
  }
  return patterns;
}

std::string ignore_line(const std::vector<std::string>& patterns) {
  std::string text;
  for (const std::string& pattern : patterns) {
    text += (text.empty() ? "" : ", ") + option_text(pattern);
  }
  return fmt::format("{} = [{}]\n", kIgnoreKey, text);
}

}  // namespace lapel::recipe
