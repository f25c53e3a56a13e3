#include "lapel/train.h"

#include <fmt/format.h>

#include <functional>
#include <iterator>
#include <utility>

#include "api/classifier_impl.h"
#include "api/prepare.h"
#include "data/known.h"
#include "data/splits.h"
#include "formats/bytes.h"
#include "kernels/cpu.h"
#include "lapel/error.h"
#include "lapel/plot.h"
#include "lapel/report.h"
#include "lapel/version.h"
#include "plan/network.h"
#include "report/plot_data.h"
#include "store/run_folder.h"
#include "train/loop.h"

namespace lapel {

namespace {

/// What the model file says of its data set: a known name, whatever form it was read in; of others nothing, so that
/// the same pictures give the same file wherever they lie.
std::string known_name(const DataSet& data) {
  return data::find_known(data.name) != nullptr ? data.name : std::string();
}

store::ModelFile model_file_of(const plan::Network& network, const DataSet& data, const Recipe& recipe) {
  const DataSpec& spec = recipe.data;
  const auto& pictures = data.train.pictures;
  store::ModelFile file{network.model(),
                        data.class_names,
                        {pictures.height, pictures.width, pictures.channels, static_cast<double>(prepare::kPixelScale),
                         recipe.train.test_time_augmentation},
                        known_name(data),
                        spec.test_split,
                        spec.split_seed,
                        {}};
  const auto& parameters = network.parameters();
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const auto& entry = parameters.entries()[i];
    file.tensors.push_back({entry.name, entry.spec.shape, parameters.get(i)});
  }
  return file;
}

/// The pictures of a range, copied.
LabeledPictures part_of(const LabeledPictures& all, const data::SampleRange& range) {
  LabeledPictures part;
  const auto& from = all.pictures;
  const auto size = from.picture_size();
  part.pictures = {
      range.count,
      from.height,
      from.width,
      from.channels,
      {from.pixels.begin() + range.first * size, from.pixels.begin() + (range.first + range.count) * size}};
  part.labels = {all.labels.begin() + range.first, all.labels.begin() + range.first + range.count};
  return part;
}

void check_space(const std::filesystem::path& folder, std::int64_t parameters) {
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  const auto wanted = static_cast<std::uintmax_t>(parameters) * sizeof(float) + (1U << 20U);
  if (!error && space.available < wanted) {
    throw Error(ErrorKind::kIo, folder.string(), "there is not enough room on the disk for the trained model",
                {{"free", fmt::format("{} bytes", space.available)}, {"needed", fmt::format("{} bytes", wanted)}},
                "--out on another disk");
  }
}

/// One training, from the recipe to the run folder.
class Run {
 public:
  Run(const Recipe& recipe, const DataSet& data, const TrainSettings& settings)
      : recipe_(prepare::fitted(recipe, data)),
        data_(data),
        settings_(settings),
        splits_(data::split_training(recipe.data, data.train.pictures.count)),
        model_(recipe.name, recipe_.layers, prepare::picture_shape(data.train.pictures)),
        dtype_(prepare::chosen_precision(recipe.train.precision)),
        threads_(prepare::chosen_threads(recipe.train)) {
    prepare::check_outputs(model_, data);
  }

  TrainResult execute() {
    if (!settings_.init.empty()) {
      initial_ = store::read_weights(settings_.init, model_);
    }
    if (!settings_.trace.empty()) {
      formats::write_text_file(settings_.trace, trace_);  // Before the training, so that a wrong path costs nothing.
    }
    if (!settings_.folder.empty()) {
      folder_.emplace(settings_.folder);
    }
    try {
      if (folder_) {
        check_space(folder_->path(), model_.trainable_parameters() + model_.non_trainable_parameters());
        folder_->write_recipe(write_recipe(recipe_));
      }
      return measure(learn());
    } catch (...) {
      abandon();
      throw;
    }
  }

 private:
  store::ModelFile learn() {
    const std::int64_t batch = training::effective_batch(recipe_.train, splits_.train.count);
    plan::Network network(model_, {dtype_, threads_, prepare::kPixelScale, false, batch, true});
    set_weights(network.parameters());
    const auto keep_history = [&](const std::vector<EpochResult>& history) {
      history_ = history;
      if (folder_) {
        folder_->write_history(history);
      }
    };
    const auto loop = training::run_loop(
        network, {data_.train, splits_, recipe_.train, settings_.observer, settings_.stop, keep_history, step_hook()});
    if (!settings_.trace.empty()) {
      formats::write_text_file(settings_.trace, trace_);
    }
    record_ = describe_run();
    record_.status = loop.interrupted ? "interrupted" : "complete";
    record_.epochs = static_cast<std::int64_t>(loop.history.size());
    record_.steps = loop.steps;
    record_.seconds = loop.seconds;
    return model_file_of(network, data_, recipe_);
  }

  void set_weights(plan::Parameters& parameters) const {
    parameters.initialize(static_cast<std::uint64_t>(recipe_.train.seed));
    for (std::size_t i = 0; i < initial_.size(); ++i) {
      parameters.set(i, initial_[i].values);
    }
  }

  /// What notes each step's loss; empty where nobody asked for it.
  std::function<void(std::int64_t, double)> step_hook() {
    if (settings_.trace.empty()) {
      return {};
    }
    return
        [this](std::int64_t step, double loss) { fmt::format_to(std::back_inserter(trace_), "{},{}\n", step, loss); };
  }

  TrainResult measure(store::ModelFile file) {
    const auto impl = std::make_shared<Classifier::Impl>(std::move(file), threads_);
    impl->source = recipe_.data.source;
    Classifier classifier(impl);
    classifier.use_test_time_augmentation("none");  // Training pictures are many, and their score is for comparison.
    record_.train = classifier.evaluate(part_of(data_.train, splits_.train), "train").score;
    classifier.use_test_time_augmentation(recipe_.train.test_time_augmentation);
    if (splits_.validation.count > 0) {
      record_.validation = classifier.evaluate(part_of(data_.train, splits_.validation), "validation").score;
    }
    std::optional<Evaluation> test;
    std::vector<float> answers;
    if (data_.test.pictures.count > 0) {
      answers = classifier.predict(data_.test.pictures);
      test = evaluate_predictions("test", data_.class_names, answers, data_.test.labels);
      record_.test = test->score;
    }
    std::string plot_problem;
    if (folder_) {
      classifier.save(folder_->model_file());
      folder_->write_history(history_);
      folder_->write_report(
          run_report(describe(data_), classifier.summary(), history_, record_, test ? &*test : nullptr));
      if (test) {
        folder_->write_confusion(to_csv(test->confusion, data_.class_names));
      }
      folder_->write_plot_data(
          report::to_json(report::plot_data(recipe_.name, data_, test ? &*test : nullptr, answers)));
      folder_->write_metrics(to_json(record_));
      plot_problem = draw_plots();
    }
    return {record_, history_, std::move(test), std::move(plot_problem), std::move(classifier)};
  }

  /// Everything else is saved by now, so that a failure costs the plots alone.
  [[nodiscard]] std::string draw_plots() const {
    if (!settings_.plots) {
      return {};
    }
    try {
      draw_run(folder_->path(), *settings_.plots);
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  }

  [[nodiscard]] RunRecord describe_run() const {
    RunRecord record;
    record.name = recipe_.name;
    record.parameters = model_.trainable_parameters() + model_.non_trainable_parameters();
    record.seed = recipe_.train.seed;
    record.threads = threads_;
    record.precision = prepare::precision_name(dtype_);
    record.cpu = kernels::cpu().model;
    record.test_time_augmentation = recipe_.train.test_time_augmentation;
    record.isa = kernels::cpu().isa;
    record.lapel_version = version();
    record.onednn_version = kernels::onednn_version();
    return record;
  }

  /// After a failure: a folder with no whole epoch goes; another says that it failed.
  void abandon() noexcept {
    if (!folder_) {
      return;
    }
    if (history_.empty()) {
      folder_->discard();
      return;
    }
    try {
      record_ = describe_run();
      record_.status = "failed";
      record_.epochs = static_cast<std::int64_t>(history_.size());
      folder_->write_metrics(to_json(record_));
    } catch (const std::exception&) {
      // The first failure is the one to tell of; the history already written stays.
      return;
    }
  }

  const Recipe recipe_;
  const DataSet& data_;
  const TrainSettings& settings_;
  data::Splits splits_;
  model::Model model_;
  kernels::Dtype dtype_;
  int threads_;
  std::vector<formats::Tensor> initial_;
  std::string trace_ = "step,loss\n";
  std::optional<store::RunFolder> folder_;
  std::vector<EpochResult> history_;
  RunRecord record_;
};

}  // namespace

TrainResult train(const Recipe& recipe, const DataSet& data, const TrainSettings& settings) {
  return Run(recipe, data, settings).execute();
}

std::filesystem::path next_run_folder(const std::filesystem::path& parent, const std::string& name) {
  std::filesystem::path folder = parent / name;
  for (int number = 2; std::filesystem::exists(folder); ++number) {
    folder = parent / fmt::format("{}-{}", name, number);
  }
  return folder;
}

}  // namespace lapel
