#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lapel/callback.h"
#include "lapel/recipe.h"
#include "train/options.h"

namespace lapel::training {

/// What a callback may use of the run that it is made for.
struct CallbackContext {
  /// The run folder, or that of a member of an ensemble in it; empty: nothing is written.
  std::filesystem::path folder;
};

/// A kind of callback: its name and options, as recipes have them, and its maker. `options` has every option.
struct CallbackType {
  TypeEntry entry;
  std::unique_ptr<Callback> (*make)(const OptionValues& options, const CallbackContext& context);
};

/// All kinds, in the order of the help.
[[nodiscard]] std::span<const CallbackType> callback_table();
/// Their names and options.
[[nodiscard]] std::span<const TypeEntry> callback_types();

/// The callback of a spec. It touches no file before on_begin. Throws Error (kRecipe) at the spec's place as `resolved`
/// does, and for options that do not go together.
[[nodiscard]] std::unique_ptr<Callback> make_callback(const TypedSpec& spec, const CallbackContext& context);

/// A number of a callback's state. Throws Error (kModelFile) where it is missing.
[[nodiscard]] double number_of(const CallbackState& state, std::string_view key);
/// The same of a whole number from 0 on; another one is no count, which throws as well.
[[nodiscard]] std::int64_t count_of(const CallbackState& state, std::string_view key);

/// The file or folder that an option names, in the folder of the run. Throws Error (kRecipe) for a name that leads out
/// of it, that is one of the run's own, or that does not end with `ending`.
[[nodiscard]] std::filesystem::path file_in_run(std::string_view key, const std::string& name, std::string_view ending,
                                                const std::filesystem::path& folder);

/// The first that looks at validation; null where none does. Throws Error (kRecipe) as make_callback does.
[[nodiscard]] const TypedSpec* first_that_needs_validation(std::span<const TypedSpec> callbacks);

/// What can be known before a training: throws Error (kRecipe) at the place of the callback that cannot be made, or
/// that writes where another one does; (kUsage) where a callback writes and there is no run folder.
void check_callbacks(std::span<const TypedSpec> callbacks, bool has_folder);

}  // namespace lapel::training
