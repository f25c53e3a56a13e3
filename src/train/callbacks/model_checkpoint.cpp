#include <fmt/args.h>
#include <fmt/format.h>

#include <limits>
#include <string>
#include <system_error>

#include "lapel/error.h"
#include "train/callbacks/callback_factories.h"
#include "train/callbacks/monitor.h"

namespace lapel::training {

namespace {

struct ModelCheckpointOptions : MonitorOptions {
  std::string filepath;
  bool save_best_only = false;
  std::int64_t save_freq = 0;  ///< Steps; 0: after each epoch.
};

std::span<const Option<ModelCheckpointOptions>> model_checkpoint_options() {
  static const std::vector<Option<ModelCheckpointOptions>> kOptions = [] {
    auto table = monitor_options<ModelCheckpointOptions>();
    table.insert(table.begin(),
                 {.key = "filepath",
                  .member = &ModelCheckpointOptions::filepath,
                  .help = "model file in the run folder; {epoch:02d}, {val_loss:.3f} and the like stand for figures",
                  .required = true});
    table.push_back({.key = "save_best_only",
                     .member = &ModelCheckpointOptions::save_best_only,
                     .help = "save only where the figure is better than it was at any time before"});
    table.push_back({.key = "save_freq",
                     .member = &ModelCheckpointOptions::save_freq,
                     .help = "steps after which the model is saved, again and again; \"epoch\": after each epoch",
                     .min = 1,
                     .word = "epoch"});
    return table;
  }();
  return kOptions;
}

/// Keras's ModelCheckpoint: model files of a training under way.
class ModelCheckpoint : public Callback {
 public:
  ModelCheckpoint(const ModelCheckpointOptions& options, const std::filesystem::path& folder)
      : options_(options), folder_(folder), monitor_(options, 0) {
    if (options_.save_best_only && options_.save_freq > 0 && options_.monitor.starts_with("val_")) {
      throw Error(ErrorKind::kRecipe, {}, "within an epoch there is no validation to tell the best",
                  {{"monitor", options_.monitor}, {"save_freq", fmt::format("{}", options_.save_freq)}},
                  "save_freq = \"epoch\", or monitor = \"loss\"");
    }
    static_cast<void>(file_of({}, 0));  // Its name, before anything is trained.
  }

  void on_step(Training& training) override {
    if (options_.save_freq > 0 && training.steps() % options_.save_freq == 0 && training.steps() > last_step_) {
      last_step_ = training.steps();
      const Progress& at = training.progress();
      save_if_better(training, {at.epoch, at.accuracy, at.loss, {}, {}, 0, 0}, at.step);
    }
  }

  void on_epoch(Training& training) override {
    if (options_.save_freq == 0) {
      save_if_better(training, training.history().back(), training.progress().steps);
    }
  }

  [[nodiscard]] CallbackState save() override {
    CallbackState state;
    monitor_.save(state);
    return state;
  }

  void restore(const CallbackState& state) override { monitor_.restore(state); }

 private:
  void save_if_better(const Training& training, const EpochResult& result, std::int64_t step) {
    if (options_.save_best_only && !monitor_.improves(*monitor_.value(result))) {
      return;
    }
    const std::filesystem::path file = file_of(result, step);
    std::error_code ignored;  // Writing will tell.
    std::filesystem::create_directories(file.parent_path(), ignored);
    training.save_model(file);
  }

  /// Keras's names of figures in the file's name; `batch` is the step in its epoch.
  [[nodiscard]] std::filesystem::path file_of(const EpochResult& result, std::int64_t step) const {
    fmt::dynamic_format_arg_store<fmt::format_context> figures;
    figures.push_back(fmt::arg("epoch", result.epoch));
    figures.push_back(fmt::arg("batch", step));
    figures.push_back(fmt::arg("loss", result.loss));
    figures.push_back(fmt::arg("accuracy", result.accuracy));
    figures.push_back(fmt::arg("val_loss", result.val_loss.value_or(0)));
    figures.push_back(fmt::arg("val_accuracy", result.val_accuracy.value_or(0)));
    figures.push_back(fmt::arg("learning_rate", result.learning_rate));
    std::string name;
    try {
      name = fmt::vformat(options_.filepath, figures);
    } catch (const fmt::format_error& problem) {
      throw Error(ErrorKind::kRecipe, {}, fmt::format("filepath = {} is not allowed", option_text(options_.filepath)),
                  {{"because", problem.what()},
                   {"known", "epoch, batch, loss, accuracy, val_loss, val_accuracy, learning_rate"}},
                  "filepath = \"best/{epoch:02d}-{val_loss:.3f}.safetensors\"");
    }
    return file_in_run("filepath", name, ".safetensors", folder_);
  }

  ModelCheckpointOptions options_;
  std::filesystem::path folder_;
  Monitor monitor_;
  std::int64_t last_step_ = 0;  ///< After which it was saved.
};

}  // namespace

CallbackType model_checkpoint_type() {
  return {{"ModelCheckpoint", "saves the model during the training, or where it is the best so far",
           rules_of(model_checkpoint_options())},
          [](const OptionValues& options, const CallbackContext& context) -> std::unique_ptr<Callback> {
            return std::make_unique<ModelCheckpoint>(read_options(model_checkpoint_options(), options), context.folder);
          }};
}

}  // namespace lapel::training
