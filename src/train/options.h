#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "lapel/recipe.h"

/// What the training section of a recipe can say, as tables: one line a loss, optimizer and schedule.
namespace lapel::training {

struct LossOptions {
  double label_smoothing = 0;
};

struct SgdOptions {
  double learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
};

struct AdamOptions {
  double learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
};

struct AdamWOptions {
  double learning_rate = 0.001;
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-7;
  double weight_decay = 0.004;
};

struct MuonOptions {
  double learning_rate = 0.02;
  double momentum = 0.95;
  bool nesterov = true;
  double weight_decay = 0;
  std::int64_t ns_steps = 5;
  bool normalize_weights = false;
  double sgd_learning_rate = 0.01;
  double sgd_momentum = 0.9;
  double sgd_weight_decay = 0;
};

struct ConstantOptions {
  double warmup_epochs = 0;
  double warmup_fraction = 0;
};

/// Of Linear and Cosine.
struct DecayOptions {
  double warmup_epochs = 0;
  double warmup_fraction = 0;
  double alpha = 0;
};

struct OneCycleOptions {
  double warmup_epochs = 0;
  double warmup_fraction = 0.25;
  double initial_factor = 0.04;
  double final_factor = 0.0001;
};

[[nodiscard]] std::span<const Option<LossOptions>> loss_options();
[[nodiscard]] std::span<const Option<SgdOptions>> sgd_options();
[[nodiscard]] std::span<const Option<AdamOptions>> adam_options();
[[nodiscard]] std::span<const Option<AdamWOptions>> adamw_options();
[[nodiscard]] std::span<const Option<MuonOptions>> muon_options();
[[nodiscard]] std::span<const Option<ConstantOptions>> constant_options();
[[nodiscard]] std::span<const Option<DecayOptions>> decay_options();
[[nodiscard]] std::span<const Option<OneCycleOptions>> one_cycle_options();

/// One thing that can be chosen by name.
struct TypeEntry {
  std::string_view type;
  std::string_view help;  ///< One sentence.
  std::vector<OptionRule> rules;
};

[[nodiscard]] std::span<const TypeEntry> loss_types();
[[nodiscard]] std::span<const TypeEntry> optimizer_types();
[[nodiscard]] std::span<const TypeEntry> schedule_types();

/// The one of this name, which there is.
[[nodiscard]] const TypeEntry& find_type(std::span<const TypeEntry> types, std::string_view type);

/// `spec` with every option of its type written out. Throws Error (kRecipe) at `spec.place` for an unknown type
/// (`what` says of what: "optimizer"; the nearest known one is named), an unknown option or a value not allowed.
[[nodiscard]] TypedSpec resolved(std::string_view what, std::span<const TypeEntry> types, const TypedSpec& spec);
/// The same of one that may lack required options.
[[nodiscard]] TypedSpec resolved_part(std::string_view what, std::span<const TypeEntry> types, const TypedSpec& spec);

/// The options of a `[[train.groups]]`.
[[nodiscard]] std::span<const Option<WeightGroup>> group_options();

/// The options of the training section that have no type of their own, by their names in TrainSpec.
[[nodiscard]] std::span<const Option<TrainSpec>> train_options();

}  // namespace lapel::training
