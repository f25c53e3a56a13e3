#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "recipe/toml_tree.h"

/// `extends = "minute"`: a recipe that says only what is other than in another one.
namespace lapel::recipe {

inline constexpr std::string_view kExtendsKey = "extends";
inline constexpr std::string_view kExtendsHelp =
    "a recipe to begin with: the file NAME.toml beside this one, a shipped recipe, or a path; what stands here comes "
    "on "
    "top of it, layers as a whole";

/// The file that the document in `file` extends; nothing where it extends none. A name is looked for beside the file,
/// then in the folder `shipped` (empty: nowhere else). Throws Error (kRecipe) at the key's place for one that is not
/// there, and for one of `before`, the files that lead to this one, which would extend itself.
[[nodiscard]] std::optional<std::filesystem::path> extended_file(const TomlTable& document,
                                                                 const std::filesystem::path& file,
                                                                 const std::filesystem::path& shipped,
                                                                 std::span<const std::filesystem::path> before);

/// Throws Error (kRecipe) for a document that extends another one but is in no file.
void refuse_extends(const TomlTable& document, const std::string& place);

}  // namespace lapel::recipe
