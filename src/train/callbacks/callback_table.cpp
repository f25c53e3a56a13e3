#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "lapel/error.h"
#include "train/callbacks/callback_factories.h"
#include "train/callbacks/callback_type.h"

namespace lapel::training {

namespace {

/// Options that name what a callback writes.
constexpr std::array<std::string_view, 3> kFileKeys = {"filepath", "filename", "log_dir"};

/// What a run folder holds by itself.
constexpr std::array<std::string_view, 8> kOwnFiles = {"recipe.toml",       "history.csv",  "checkpoints",
                                                       "model.safetensors", "metrics.json", "report.txt",
                                                       "confusion.csv",     "plots"};

/// What the callback writes, or nothing.
const std::string* file_of(const TypedSpec& full) {
  for (const auto key : kFileKeys) {
    if (const auto found = full.options.find(key); found != full.options.end()) {
      return &std::get<std::string>(found->second);
    }
  }
  return nullptr;
}

/// Whether it looks at validation: by its monitor, unless it saves all, or in the name of a file.
bool needs_validation(const TypedSpec& full) {
  const auto monitor = full.options.find("monitor");
  const auto best_only = full.options.find("save_best_only");
  const std::string* file = file_of(full);
  const bool monitors = monitor != full.options.end() && std::get<std::string>(monitor->second).starts_with("val_") &&
                        (best_only == full.options.end() || std::get<bool>(best_only->second));
  return monitors || (file != nullptr && file->find("{val_") != std::string::npos);
}

std::string place_of(const TypedSpec& spec) {
  return spec.place.empty() ? fmt::format("callback {}", spec.type)
                            : fmt::format("{}, callback {}", spec.place, spec.type);
}

const CallbackType& type_of(const TypedSpec& full) {
  const auto all = callback_table();
  return *std::find_if(all.begin(), all.end(), [&](const auto& type) { return type.entry.type == full.type; });
}

}  // namespace

std::span<const CallbackType> callback_table() {
  static const std::vector<CallbackType> kTypes = {
      early_stopping_type(), model_checkpoint_type(), reduce_lr_on_plateau_type(),
      csv_logger_type(),     terminate_on_nan_type(), tensor_board_type(),
  };
  return kTypes;
}

std::span<const TypeEntry> callback_types() {
  static const std::vector<TypeEntry> kEntries = [] {
    std::vector<TypeEntry> entries;
    for (const auto& type : callback_table()) {
      entries.push_back(type.entry);
    }
    return entries;
  }();
  return kEntries;
}

std::unique_ptr<Callback> make_callback(const TypedSpec& spec, const CallbackContext& context) {
  const TypedSpec full = resolved("callback", callback_types(), spec);
  try {
    return type_of(full).make(full.options, context);
  } catch (const Error& error) {
    throw error.within(place_of(spec));
  }
}

double number_of(const CallbackState& state, std::string_view key) {
  const auto found = state.numbers.find(key);
  if (found == state.numbers.end()) {
    throw Error(ErrorKind::kModelFile, {}, fmt::format("the checkpoint has no number '{}' of a callback", key));
  }
  return found->second;
}

std::int64_t count_of(const CallbackState& state, std::string_view key) {
  constexpr double kMost = 1e15;
  const double number = number_of(state, key);
  if (!(number >= 0 && number <= kMost)) {
    throw Error(ErrorKind::kModelFile, {}, fmt::format("the checkpoint has {} as the number '{}'", number, key));
  }
  return static_cast<std::int64_t>(number);
}

std::filesystem::path file_in_run(std::string_view key, const std::string& name, std::string_view ending,
                                  const std::filesystem::path& folder) {
  const std::filesystem::path path = std::filesystem::path(name).lexically_normal();
  const std::string first = path.empty() ? std::string() : path.begin()->string();
  const bool own = std::find(kOwnFiles.begin(), kOwnFiles.end(), first) != kOwnFiles.end();
  if (path.is_absolute() || first.empty() || first == "." || first == ".." || own || !path.has_filename() ||
      !path.filename().string().ends_with(ending)) {
    throw Error(
        ErrorKind::kRecipe, {}, fmt::format("{} = {} is not allowed", key, option_text(name)),
        {{"allowed", fmt::format("a name{}{} in the run folder, beside {}", ending.empty() ? "" : " that ends with ",
                                 ending, fmt::join(kOwnFiles, ", "))}});
  }
  return folder / path;
}

const TypedSpec* first_that_needs_validation(std::span<const TypedSpec> callbacks) {
  const auto found = std::find_if(callbacks.begin(), callbacks.end(), [](const TypedSpec& spec) {
    return needs_validation(resolved("callback", callback_types(), spec));
  });
  return found == callbacks.end() ? nullptr : &*found;
}

void check_callbacks(std::span<const TypedSpec> callbacks, bool has_folder) {
  std::set<std::string> files;
  for (const auto& spec : callbacks) {
    static_cast<void>(make_callback(spec, {}));
    const TypedSpec full = resolved("callback", callback_types(), spec);
    const std::string* file = file_of(full);
    if (file != nullptr && !has_folder) {
      throw Error(ErrorKind::kUsage, place_of(spec), "writes into the run folder, and there is none", {},
                  "TrainSettings::folder");
    }
    if (file != nullptr && !files.insert(*file).second) {
      throw Error(ErrorKind::kRecipe, place_of(spec), fmt::format("another callback writes \"{}\" as well", *file), {},
                  "a name of its own");
    }
  }
}

}  // namespace lapel::training
