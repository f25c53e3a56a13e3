#include "recipe_finder.h"

#include <fmt/format.h>

#include <cstdlib>
#include <system_error>

#include "lapel/error.h"
#include "nearest.h"

namespace lapel::app {

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> candidate_folders() {
  if (const char* folder = std::getenv("LAPEL_RECIPES"); folder != nullptr && *folder != '\0') {
    return {folder};
  }
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path folder = program.parent_path();
  return {(folder / "../../recipes").lexically_normal(), (folder / "../share/lapel/recipes").lexically_normal()};
}

/// Where the shipped recipes are; empty where they are nowhere.
fs::path shipped_folder() {
  for (const auto& folder : candidate_folders()) {
    std::error_code ignored;
    if (fs::is_directory(folder, ignored)) {
      return folder;
    }
  }
  return {};
}

}  // namespace

std::vector<RecipeInfo> shipped_recipes() {
  if (const fs::path folder = shipped_folder(); !folder.empty()) {
    return list_recipes(folder);
  }
  std::string searched;
  for (const auto& folder : candidate_folders()) {
    searched += (searched.empty() ? "" : ", ") + folder.string();
  }
  throw Error(ErrorKind::kIo, {}, "the folder of shipped recipes is not there", {{"searched", searched}},
              "LAPEL_RECIPES=FOLDER lapel ...");
}

Recipe find_recipe(const std::string& name) {
  std::error_code ignored;
  if (fs::is_directory(name, ignored)) {
    const fs::path inside = fs::path(name) / "recipe.toml";
    throw Error(ErrorKind::kUsage, name, "is a folder, not a recipe", {},
                fs::exists(inside, ignored) ? inside.string()
                                            : fmt::format("lapel recipes; for a folder of pictures, --data {}", name));
  }
  if (fs::status(name, ignored).type() != fs::file_type::not_found) {
    return read_recipe(name, shipped_folder());
  }
  if (name.find('/') != std::string::npos || name.ends_with(".toml")) {
    throw Error(ErrorKind::kUsage, name, "there is no such file", {},
                "lapel recipes, or lapel train --help, which says what a recipe can have");
  }
  std::vector<std::string> known;
  for (const auto& info : shipped_recipes()) {
    if (info.name == name || info.file.stem() == name) {
      return read_recipe(info.file, info.file.parent_path());
    }
    known.push_back(info.name);
  }
  const std::string near = nearest(name, known);
  throw Error(ErrorKind::kUsage, {}, fmt::format("no recipe \"{}\": neither a file nor shipped", name),
              {{"shipped", fmt::format("{}", fmt::join(known, ", "))}}, near.empty() ? "lapel recipes" : near);
}

}  // namespace lapel::app
