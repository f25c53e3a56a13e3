#include "recipe/extends.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <system_error>
#include <vector>

#include "base/options.h"
#include "lapel/error.h"

namespace lapel::recipe {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kLongestChain = 100;

bool same_file(const fs::path& one, const fs::path& other) {
  std::error_code ignored;
  return fs::equivalent(one, other, ignored);
}

/// Where the recipe may be. A name is not that of the file itself, so that a copy can extend its original.
std::vector<fs::path> candidates(const std::string& name, const fs::path& file, const fs::path& shipped) {
  const fs::path folder = file.parent_path();
  if (name.find('/') != std::string::npos || name.ends_with(".toml")) {
    return {folder / name};
  }
  std::vector<fs::path> found = {folder / (name + ".toml")};
  if (!shipped.empty()) {
    found.push_back(shipped / (name + ".toml"));
  }
  std::erase_if(found, [&](const fs::path& candidate) { return same_file(candidate, file); });
  return found;
}

/// The name nearest to `name` of a recipe in these folders; empty where none is near.
std::string nearest_recipe(const std::string& name, std::initializer_list<fs::path> folders) {
  std::vector<std::string> names;
  for (const auto& folder : folders) {
    std::error_code problem;
    for (fs::directory_iterator entry(folder, problem), end; !problem && entry != end; entry.increment(problem)) {
      if (entry->path().extension() == ".toml") {
        names.push_back(entry->path().stem().string());
      }
    }
  }
  std::sort(names.begin(), names.end());
  return nearest_word(name, std::vector<std::string_view>(names.begin(), names.end()));
}

}  // namespace

std::optional<fs::path> extended_file(const TomlTable& document, const fs::path& file, const fs::path& shipped,
                                      std::span<const fs::path> before) {
  const TomlEntry* entry = find_entry(document, kExtendsKey);
  if (entry == nullptr) {
    return std::nullopt;
  }
  const std::string place = fmt::format("{}:{}", file.string(), entry->line);
  const std::string* name = entry->value.text();
  if (name == nullptr || name->empty()) {
    throw Error(ErrorKind::kRecipe, place, fmt::format("extends = {} is not allowed", toml_text(entry->value)),
                {{"allowed", "a text in quotes"}}, "extends = \"minute\"");
  }
  std::string searched;
  for (const auto& candidate : candidates(*name, file, shipped)) {
    std::error_code ignored;
    if (!fs::is_regular_file(candidate, ignored)) {
      searched += (searched.empty() ? "" : ", ") + candidate.string();
      continue;
    }
    const bool again = std::any_of(before.begin(), before.end(),
                                   [&](const fs::path& earlier) { return same_file(candidate, earlier); });
    if (again || same_file(candidate, file)) {
      throw Error(ErrorKind::kRecipe, place,
                  fmt::format("extends = \"{}\" leads back to {}", *name, candidate.string()));
    }
    if (before.size() == kLongestChain) {
      throw Error(ErrorKind::kRecipe, place, fmt::format("recipes that extend recipes, more than {}", kLongestChain));
    }
    return candidate;
  }
  const std::string near = nearest_recipe(*name, {fs::absolute(file).parent_path(), shipped});
  throw Error(ErrorKind::kRecipe, place, fmt::format("there is no recipe \"{}\" to extend", *name),
              {{"searched", searched.empty() ? "nothing but this file" : searched}},
              near.empty() || near == file.stem() ? "the path of a recipe file, or a name that `lapel recipes` lists"
                                                  : fmt::format("extends = \"{}\"", near));
}

void refuse_extends(const TomlTable& document, const std::string& place) {
  if (const TomlEntry* entry = find_entry(document, kExtendsKey)) {
    throw Error(ErrorKind::kRecipe, fmt::format("{}:{}", place, entry->line),
                "a recipe that is no file cannot extend another one", {}, "lapel::read_recipe(file)");
  }
}

}  // namespace lapel::recipe
