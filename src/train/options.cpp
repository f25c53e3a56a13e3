#include "train/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lapel/error.h"
#include "model/views.h"

namespace lapel::training {

std::span<const Option<LossOptions>> loss_options() {
  static const std::array<Option<LossOptions>, 1> kOptions = {{
      {.key = "label_smoothing",
       .member = &LossOptions::label_smoothing,
       .help = "share of the target that is spread evenly over all classes",
       .min = 0,
       .max = 1,
       .below_max = true},
  }};
  return kOptions;
}

std::span<const Option<SgdOptions>> sgd_options() {
  static const std::array<Option<SgdOptions>, 4> kOptions = {{
      {.key = "learning_rate",
       .member = &SgdOptions::learning_rate,
       .help = "size of a step; the largest one where a schedule changes it",
       .min = 0},
      {.key = "momentum",
       .member = &SgdOptions::momentum,
       .help = "share of the last step that is kept",
       .min = 0,
       .max = 1},
      {.key = "nesterov", .member = &SgdOptions::nesterov, .help = "Nesterov's momentum"},
      {.key = "weight_decay",
       .member = &SgdOptions::weight_decay,
       .help = "each step takes learning_rate * weight_decay of every weight away",
       .min = 0},
  }};
  return kOptions;
}

namespace {

template <class T>
std::vector<Option<T>> adam_like() {
  return {
      {.key = "learning_rate",
       .member = &T::learning_rate,
       .help = "size of a step; the largest one where a schedule changes it",
       .min = 0},
      {.key = "beta_1",
       .member = &T::beta_1,
       .help = "decay of the mean of gradients",
       .min = 0,
       .max = 1,
       .below_max = true},
      {.key = "beta_2",
       .member = &T::beta_2,
       .help = "decay of the mean of squared gradients",
       .min = 0,
       .max = 1,
       .below_max = true},
      {.key = "epsilon",
       .member = &T::epsilon,
       .help = "added to the root of the mean of squares",
       .min = 0,
       .above_min = true},
  };
}

template <class T>
std::vector<Option<T>> warmup_options() {
  return {
      {.key = "warmup_epochs",
       .member = &T::warmup_epochs,
       .help = "epochs in which the learning rate rises; 0: warmup_fraction says so",
       .min = 0,
       .max = 1e6},
      {.key = "warmup_fraction",
       .member = &T::warmup_fraction,
       .help = "share of the training in which the learning rate rises",
       .min = 0,
       .max = 1,
       .below_max = true},
  };
}

}  // namespace

std::span<const Option<AdamOptions>> adam_options() {
  static const std::vector<Option<AdamOptions>> kOptions = adam_like<AdamOptions>();
  return kOptions;
}

std::span<const Option<AdamWOptions>> adamw_options() {
  static const std::vector<Option<AdamWOptions>> kOptions = [] {
    auto options = adam_like<AdamWOptions>();
    options.push_back({.key = "weight_decay",
                       .member = &AdamWOptions::weight_decay,
                       .help = "each step takes learning_rate * weight_decay of every weight away",
                       .min = 0});
    return options;
  }();
  return kOptions;
}

std::span<const Option<MuonOptions>> muon_options() {
  static const std::array<Option<MuonOptions>, 9> kOptions = {{
      {.key = "learning_rate",
       .member = &MuonOptions::learning_rate,
       .help = "size of a step of a matrix; the largest one where a schedule changes it",
       .min = 0,
       .above_min = true},
      {.key = "momentum",
       .member = &MuonOptions::momentum,
       .help = "share of the sum of gradients that is kept",
       .min = 0,
       .max = 1,
       .below_max = true},
      {.key = "nesterov", .member = &MuonOptions::nesterov, .help = "Nesterov's momentum"},
      {.key = "weight_decay",
       .member = &MuonOptions::weight_decay,
       .help = "each step takes learning_rate * weight_decay of every matrix away",
       .min = 0},
      {.key = "ns_steps", .member = &MuonOptions::ns_steps, .help = "Newton-Schulz steps", .min = 1, .max = 100},
      {.key = "normalize_weights",
       .member = &MuonOptions::normalize_weights,
       .help = "bring the norm of each matrix to the root of its outputs before a step, as airbench does"},
      {.key = "sgd_learning_rate",
       .member = &MuonOptions::sgd_learning_rate,
       .help = "of the other weights, which are trained by SGD with Nesterov's momentum",
       .min = 0},
      {.key = "sgd_momentum",
       .member = &MuonOptions::sgd_momentum,
       .help = "momentum of the other weights",
       .min = 0,
       .max = 1},
      {.key = "sgd_weight_decay",
       .member = &MuonOptions::sgd_weight_decay,
       .help = "weight decay of the other weights",
       .min = 0},
  }};
  return kOptions;
}

std::span<const Option<ConstantOptions>> constant_options() {
  static const std::vector<Option<ConstantOptions>> kOptions = warmup_options<ConstantOptions>();
  return kOptions;
}

std::span<const Option<DecayOptions>> decay_options() {
  static const std::vector<Option<DecayOptions>> kOptions = [] {
    auto options = warmup_options<DecayOptions>();
    options.push_back({.key = "alpha",
                       .member = &DecayOptions::alpha,
                       .help = "learning rate at the end, as a share of the largest",
                       .min = 0,
                       .max = 1});
    return options;
  }();
  return kOptions;
}

std::span<const Option<OneCycleOptions>> one_cycle_options() {
  static const std::vector<Option<OneCycleOptions>> kOptions = [] {
    auto options = warmup_options<OneCycleOptions>();
    options.push_back({.key = "initial_factor",
                       .member = &OneCycleOptions::initial_factor,
                       .help = "learning rate of the first step, as a share of the largest",
                       .min = 0,
                       .max = 1});
    options.push_back({.key = "final_factor",
                       .member = &OneCycleOptions::final_factor,
                       .help = "learning rate at the end, as a share of the largest",
                       .min = 0,
                       .max = 1});
    return options;
  }();
  return kOptions;
}

std::span<const TypeEntry> loss_types() {
  static const std::array<TypeEntry, 2> kTypes = {{
      {"sparse_categorical_crossentropy", "cross-entropy with the number of the class as target",
       rules_of(loss_options())},
      {"categorical_crossentropy", "cross-entropy with one-hot targets", rules_of(loss_options())},
  }};
  return kTypes;
}

std::span<const TypeEntry> schedule_types() {
  static const std::array<TypeEntry, 4> kTypes = {{
      {"Constant", "the learning rate of the optimizer throughout", rules_of(constant_options())},
      {"Linear", "a straight line from the largest learning rate to its share alpha", rules_of(decay_options())},
      {"Cosine", "half a cosine from the largest learning rate to its share alpha", rules_of(decay_options())},
      {"OneCycle", "up and down again by half cosines, Smith & Topin 2018", rules_of(one_cycle_options())},
  }};
  return kTypes;
}

const TypeEntry& find_type(std::span<const TypeEntry> types, std::string_view type) {
  return *std::find_if(types.begin(), types.end(), [&](const TypeEntry& entry) { return entry.type == type; });
}

TypedSpec resolved_part(std::string_view what, std::span<const TypeEntry> types, const TypedSpec& spec) {
  std::vector<TypeEntry> all(types.begin(), types.end());
  for (auto& entry : all) {
    for (auto& rule : entry.rules) {
      rule.required = false;
    }
  }
  return resolved(what, all, spec);
}

TypedSpec resolved(std::string_view what, std::span<const TypeEntry> types, const TypedSpec& spec) {
  std::vector<std::string_view> known;
  for (const auto& entry : types) {
    known.push_back(entry.type);
    if (entry.type != spec.type) {
      continue;
    }
    try {
      check_keys(entry.rules, spec.options);
      TypedSpec result{spec.type, {}, spec.place};
      for (const auto& rule : entry.rules) {
        const auto found = spec.options.find(rule.key);
        result.options.emplace(rule.key,
                               found == spec.options.end() ? rule.default_value : checked_value(rule, found->second));
      }
      return result;
    } catch (const Error& error) {
      throw error.within(spec.place.empty() ? fmt::format("{} {}", what, spec.type)
                                            : fmt::format("{}, {} {}", spec.place, what, spec.type));
    }
  }
  throw Error(ErrorKind::kRecipe, spec.place, fmt::format("unknown {} \"{}\"", what, spec.type),
              {{"known", fmt::format("{}", fmt::join(known, ", "))}}, nearest_word(spec.type, known));
}

std::span<const Option<WeightGroup>> group_options() {
  static const std::array<Option<WeightGroup>, 4> kOptions = {{
      {.key = "match",
       .member = &WeightGroup::match,
       .help = "pattern of weights' names, as \"*/bias\": * stands for any characters, ? for one",
       .required = true},
      {.key = "learning_rate",
       .member = &WeightGroup::learning_rate,
       .help = "factor of the optimizer's learning rate",
       .min = 0},
      {.key = "weight_decay",
       .member = &WeightGroup::weight_decay,
       .help = "factor of the optimizer's weight decay",
       .min = 0},
      {.key = "muon", .member = &WeightGroup::muon, .help = "whether the optimizer Muon may orthogonalize their steps"},
  }};
  return kOptions;
}

namespace {

/// Those of steps and epochs.
std::vector<Option<TrainSpec>> step_options() {
  return {
      {.key = "epochs",
       .member = &TrainSpec::epochs,
       .help = "passes over the training pictures",
       .min = 1,
       .max = 1e6},
      {.key = "batch_size", .member = &TrainSpec::batch_size, .help = "pictures in a step", .min = 1, .max = 1 << 20},
      {.key = "precision",
       .member = &TrainSpec::precision,
       .help = "number type of the arithmetic; \"auto\" is what this CPU does fastest",
       .choices = {"float32", "bfloat16", "auto"}},
      {.key = "shuffle", .member = &TrainSpec::shuffle, .help = "a new order of the training pictures each epoch"},
      {.key = "sampling",
       .member = &TrainSpec::sampling,
       .help = "\"balanced\": pictures of small classes come more often, so that all classes come equally often",
       .choices = {"all", "balanced"}},
      {.key = "mirroring",
       .member = &TrainSpec::mirroring,
       .help = "of recipes that mirror pictures; \"measure\": a moment's training of two small nets decides",
       .choices = {"keep", "never", "measure"}},
      {.key = "seed",
       .member = &TrainSpec::seed,
       .help = "from which every random number of the run is made",
       .min = 0,
       .max = 9007199254740992.0},
      {.key = "threads",
       .member = &TrainSpec::threads,
       .help = "threads that compute; 0: all cores of this process",
       .min = 0,
       .max = 1024},
  };
}

/// Those of a time, and of what becomes of the weights.
std::vector<Option<TrainSpec>> weight_options() {
  return {
      {.key = "time_budget",
       .member = &TrainSpec::time_budget,
       .help = "\"60s\", \"5min\", \"1h\": time that the whole process may take, instead of epochs"},
      {.key = "use_ema",
       .member = &TrainSpec::use_ema,
       .help = "evaluate and save the moving mean of the weights over the steps"},
      {.key = "ema_momentum",
       .member = &TrainSpec::ema_momentum,
       .help = "share of that mean that each averaging keeps",
       .min = 0,
       .max = 1,
       .below_max = true},
      {.key = "ema_frequency",
       .member = &TrainSpec::ema_frequency,
       .help = "steps from one averaging to the next",
       .min = 1},
      {.key = "ema_overwrite_frequency",
       .member = &TrainSpec::ema_overwrite_frequency,
       .help = "steps after which the mean replaces the weights, again and again; 0: never",
       .min = 0},
      {.key = "lookahead_sync_period",
       .member = &TrainSpec::lookahead_sync_period,
       .help = "steps from which Lookahead makes one of its slow weights; 0: no Lookahead",
       .min = 0},
      {.key = "lookahead_slow_step_size",
       .member = &TrainSpec::lookahead_slow_step_size,
       .help = "share of the way to the fast weights that the slow ones go",
       .min = 0,
       .max = 1,
       .above_min = true},
      {.key = "lookahead_ramp",
       .member = &TrainSpec::lookahead_ramp,
       .help = "power of the training's progress with which that share falls from 1; 0: it stays",
       .min = 0,
       .max = 100},
      {.key = "ensemble",
       .member = &TrainSpec::ensemble,
       .help = "models to train one after another, from seeds of their own, whose answers are averaged",
       .min = 1,
       .max = 64},
      {.key = "test_time_augmentation",
       .member = &TrainSpec::test_time_augmentation,
       .help = "the trained model's answers are means over views of a picture: mirrored, and moved by a pixel",
       .choices = model::test_time_augmentations()},
  };
}

}  // namespace

std::span<const Option<TrainSpec>> train_options() {
  static const std::vector<Option<TrainSpec>> kOptions = [] {
    auto options = step_options();
    const auto others = weight_options();
    options.insert(options.end(), others.begin(), others.end());
    return options;
  }();
  return kOptions;
}

}  // namespace lapel::training
