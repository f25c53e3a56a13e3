#include "lapel/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "api/classifier_impl.h"
#include "api/members.h"
#include "api/prepare.h"
#include "api/reserve.h"
#include "api/run_checks.h"
#include "api/run_plots.h"
#include "api/training_setup.h"
#include "data/known.h"
#include "data/splits.h"
#include "formats/bytes.h"
#include "kernels/cpu.h"
#include "lapel/error.h"
#include "lapel/report.h"
#include "lapel/version.h"
#include "model/ensemble.h"
#include "plan/network.h"
#include "report/plot_data.h"
#include "store/checkpoint.h"
#include "store/run_folder.h"
#include "train/budget.h"
#include "train/loop.h"

namespace lapel {

namespace {

using Clock = std::chrono::steady_clock;

/// Training pictures are many, and their score is only for comparison.
constexpr const char* kTrainingViews = "none";

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// What the model file says of its data set: a known name, whatever form it was read in; of others nothing, so that
/// the same pictures give the same file wherever they lie.
std::string known_name(const DataSet& data) {
  return data::find_known(data.name) != nullptr ? data.name : std::string();
}

store::ModelFile model_file_of(const model::Model& model, std::vector<formats::Tensor> tensors, const DataSet& data,
                               const Recipe& recipe, kernels::Dtype dtype) {
  const DataSpec& spec = recipe.data;
  const auto& pictures = data.train.pictures;
  return {model,
          data.class_names,
          {pictures.height, pictures.width, pictures.channels, static_cast<double>(prepare::kPixelScale),
           recipe.train.test_time_augmentation},
          known_name(data),
          spec.test_split,
          spec.split_seed,
          std::move(tensors),
          prepare::precision_name(dtype)};
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

/// Of so many steps over the epochs of `count` pictures, of which the last may be cut short.
double training_flop(plan::Network& network, std::int64_t count, std::int64_t steps) {
  const std::int64_t batch = network.options().main_batch;
  const std::int64_t steps_of_epoch = (count + batch - 1) / batch;
  const std::int64_t samples = steps / steps_of_epoch * count + std::min(steps % steps_of_epoch * batch, count);
  return static_cast<double>(network.plan(batch, true).flop()) / static_cast<double>(batch) *
         static_cast<double>(samples);
}

/// One training, from the recipe to the run folder.
class Run {
 public:
  Run(const Recipe& recipe, const DataSet& data, const TrainSettings& settings)
      : data_(data),
        settings_(settings),
        setup_(make_setup(recipe, data)),
        recipe_(setup_.recipe),
        recipe_text_(text_without_source(recipe_)),
        splits_(setup_.splits),
        budget_(training::budget_seconds(recipe.train.time_budget)),
        started_(settings.started.value_or(Clock::now())) {}

  TrainResult execute() {
    if (!settings_.init.empty()) {
      initial_ = store::read_weights(settings_.init, setup_.model);
    }
    if (!settings_.trace.empty()) {
      formats::write_text_file(settings_.trace, trace_);  // Before the training, so that a wrong path costs nothing.
    }
    if (settings_.resume) {
      open_run();
    } else if (!settings_.folder.empty()) {
      folder_.emplace(settings_.folder);
    }
    try {
      begin_folder();
      return measure(learn());
    } catch (...) {
      abandon();
      throw;
    }
  }

 private:
  /// Seconds of work on this run, those of earlier processes included.
  [[nodiscard]] double now() const { return elapsed_before_ + seconds_between(started_, Clock::now()); }

  [[nodiscard]] static std::int64_t parameters_of(const model::Model& model) {
    return model.trainable_parameters() + model.non_trainable_parameters();
  }

  void open_run() {
    auto folder = store::RunFolder::open(settings_.folder);
    if (store::run_status(folder.path()) == "complete") {
      throw Error(ErrorKind::kUsage, folder.path().string(), "this run is complete: nothing is left to be trained", {},
                  fmt::format("lapel train {}, which trains again in another folder",
                              (folder.path() / "recipe.toml").string()));
    }
    checkpoint_ = store::read_last_checkpoint(folder.path());
    check_same_training(*checkpoint_, recipe_text_, data_.train, folder.path());
    can_resume_ = true;
    history_ = checkpoint_->history;
    finished_.take_from(*checkpoint_);
    elapsed_before_ = checkpoint_->elapsed;
    folder_ = std::move(folder);
  }

  void begin_folder() {
    if (!folder_) {
      return;
    }
    constexpr std::int64_t kMostNumbers = 5;  // Of a weight in a checkpoint: itself, optimizer state, means.
    const std::int64_t all = parameters_of(setup_.ensemble);
    check_space(folder_->path(), all, all + (kMostNumbers - 1) * parameters_of(setup_.model));
    if (!checkpoint_) {
      const double begin = now();
      folder_->write_recipe(write_recipe(recipe_));
      write_seconds_ = now() - begin;
    }
    if (settings_.plots) {
      plots_.emplace(data_, folder_->path(), *settings_.plots);
    }
  }

  [[nodiscard]] std::size_t members() const { return static_cast<std::size_t>(recipe_.train.ensemble); }

  /// A classifier of so many members, with the weights of those that are finished.
  [[nodiscard]] store::ModelFile model_file(const model::Model& ensemble) const {
    return model_file_of(ensemble, finished_.tensors_of(ensemble), data_, recipe_, setup_.dtype);
  }

  Classifier learn() {
    auto classifier = std::make_shared<Classifier::Impl>(model_file(setup_.ensemble), setup_.threads);
    classifier->source = recipe_.data.source;
    if (plots_) {
      plots_->draw_data();
    }
    reserve_training_end(*classifier);
    record_ = describe_run();
    bool interrupted = false;
    while (!interrupted && finished_.count() < members()) {
      interrupted = train_member(*classifier);
      checkpoint_.reset();
    }
    if (!settings_.trace.empty()) {
      formats::write_text_file(settings_.trace, trace_);
    }
    record_.status = interrupted ? "interrupted" : "complete";
    record_.epochs = static_cast<std::int64_t>(history_.size());
    if (finished_.count() == members()) {
      classifier->replace(model_file(setup_.ensemble));
    } else {
      const auto model = model::ensemble_of(setup_.model, static_cast<std::int64_t>(finished_.count()));
      record_.parameters = parameters_of(model);
      classifier->start_again(model_file(model));
    }
    return Classifier(classifier);
  }

  /// Trains the next one; returns whether it was interrupted. Such a one is part of the ensemble only where it is the
  /// first, which is better than none.
  bool train_member(Classifier::Impl& classifier) {
    const std::size_t member = finished_.count();
    plan::Network network = make_network(setup_, member);
    for (std::size_t i = 0; i < initial_.size(); ++i) {
      network.parameters().set(i, initial_[i].values);
    }
    TrainSpec spec = recipe_.train;
    spec.seed = member_seed(spec.seed, member);
    training::LoopInput input{data_.train, splits_, spec, settings_.observer, settings_.stop};
    input.after_epoch = [&](const std::vector<EpochResult>& history) {
      history_ = finished_.history_with(history);
      if (folder_) {
        folder_->write_history(history_);
      }
    };
    input.after_step = step_hook();
    input.now = [this] { return now(); };
    input.limit = time_limit(member, classifier);
    input.resume = checkpoint_ ? &*checkpoint_ : nullptr;
    input.save = save_hook();
    input.checkpoint_seconds = settings_.checkpoint_seconds;
    input.member = static_cast<std::int64_t>(member) + 1;
    input.members = static_cast<std::int64_t>(members());
    const auto loop = training::run_loop(network, input);
    const auto before = finished_.total();
    record_.steps = before.steps + loop.steps;
    record_.seconds = before.seconds + loop.seconds;
    record_.training_flop = training_flop(network, splits_.train.count, loop.steps);
    for (const auto& one : finished_.each()) {
      record_.training_flop += training_flop(network, splits_.train.count, one.steps);
    }
    if (!loop.interrupted || member == 0) {
      finished_.add(network, loop);
    }
    return loop.interrupted;
  }

  /// The pictures of the training part that are measured at the end.
  [[nodiscard]] data::SampleRange measured_part() const {
    constexpr std::int64_t kInHaste = 5000;
    return budget_ > 0 ? data::SampleRange{splits_.train.first, std::min(splits_.train.count, kInHaste)}
                       : splits_.train;
  }

  /// With a time budget: measures what follows the training. Throws where there is no time for any.
  void reserve_training_end(Classifier::Impl& classifier) {
    if (budget_ == 0) {
      return;
    }
    const double spent = now();
    reserve_ = measured_reserve(classifier);
    if (now() + reserve_ >= budget_) {
      throw Error(ErrorKind::kUsage, fmt::format("train.time_budget = \"{}\"", recipe_.train.time_budget),
                  "the time is over before the first step",
                  {{"to begin", fmt::format("{:.2f} s", spent)},
                   {"reserved for evaluation and writing", fmt::format("{:.2f} s", reserve_)}},
                  "a longer time");
    }
  }

  /// An equal share of the time that is left, for a member (from 0); the last one has all of it.
  std::optional<training::TimeLimit> time_limit(std::size_t member, Classifier::Impl& classifier) {
    if (budget_ == 0) {
      return std::nullopt;
    }
    const std::size_t left = members() - member;
    if (left == 1) {
      return training::TimeLimit{budget_, reserve_, [this, &classifier] { return measured_reserve(classifier); }};
    }
    const double begin = now() - (checkpoint_ ? checkpoint_->seconds : 0);
    return training::TimeLimit{begin + (budget_ - reserve_ - begin) / static_cast<double>(left), 0, {}};
  }

  /// Seconds that everything after the training takes, as the machine is now.
  double measured_reserve(Classifier::Impl& classifier) {
    constexpr double kFiles = 10;
    constexpr double kTheRest = 0.03;  // Text, and giving memory back.
    const std::string& views = recipe_.train.test_time_augmentation;
    const std::vector<MeasuredPart> parts = {
        {measured_part().count, kTrainingViews}, {splits_.validation.count, views}, {data_.test.pictures.count, views}};
    double reserve =
        evaluation_reserve(classifier, data_.train.pictures, parts, plan_seconds_) + kFiles * write_seconds_ + kTheRest;
    return plots_ ? reserve + plots_->reserve() : reserve;
  }

  /// What notes each step's loss; empty where nobody asked for it.
  std::function<void(std::int64_t, double)> step_hook() {
    if (settings_.trace.empty()) {
      return {};
    }
    return
        [this](std::int64_t step, double loss) { fmt::format_to(std::back_inserter(trace_), "{},{}\n", step, loss); };
  }

  std::function<void(store::Checkpoint)> save_hook() {
    if (!folder_) {
      return {};
    }
    return [this, checksum = store::checksum_of(data_.train)](store::Checkpoint checkpoint) {
      finished_.write_to(checkpoint);
      checkpoint.recipe = recipe_text_;
      checkpoint.data_checksum = checksum;
      checkpoint.elapsed = now();
      save(checkpoint);
    };
  }

  void save(const store::Checkpoint& checkpoint) {
    try {
      store::write_checkpoint(folder_->path(), checkpoint);
      can_resume_ = true;
    } catch (const Error& error) {
      if (!can_resume_) {
        throw;
      }
      throw Error(error.kind(), error.place(), error.problem(), error.facts(),
                  fmt::format("to make room, then lapel train --resume {}", folder_->path().string()));
    }
  }

  TrainResult measure(Classifier classifier) {
    classifier.use_test_time_augmentation(kTrainingViews);
    record_.train = classifier.evaluate(part_of(data_.train, measured_part()), "train").score;
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
      const auto shown = report::plot_data(recipe_.name, data_, test ? &*test : nullptr, answers);
      folder_->write_plot_data(report::to_json(shown));
      record_.process_seconds = now();
      folder_->write_metrics(to_json(record_));
      if (record_.status == "complete") {
        store::remove_checkpoints(folder_->path());
      }
      if (plots_) {  // Everything else is saved by now, so that a failure costs the plots alone.
        plot_problem = plots_->draw_results(shown, history_);
      }
    }
    record_.process_seconds = now();
    return {record_, history_, std::move(test), std::move(plot_problem), std::move(classifier)};
  }

  [[nodiscard]] RunRecord describe_run() const {
    RunRecord record;
    record.name = recipe_.name;
    record.parameters = parameters_of(setup_.ensemble);
    record.seed = recipe_.train.seed;
    record.threads = setup_.threads;
    record.time_budget = budget_;
    record.precision = prepare::precision_name(setup_.dtype);
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
    if (history_.empty() && !checkpoint_) {
      folder_->discard();
      return;
    }
    try {
      record_ = describe_run();
      record_.status = "failed";
      record_.epochs = static_cast<std::int64_t>(history_.size());
      record_.process_seconds = now();
      folder_->write_metrics(to_json(record_));
    } catch (const std::exception&) {
      // The first failure is the one to tell of; the history already written stays.
      return;
    }
  }

  const DataSet& data_;
  const TrainSettings& settings_;
  const TrainingSetup setup_;
  const Recipe& recipe_;
  const std::string recipe_text_;  ///< That a checkpoint keeps.
  data::Splits splits_;
  double budget_;  ///< Seconds; 0: none.
  Clock::time_point started_;
  double elapsed_before_ = 0;
  double write_seconds_ = 0;  ///< What one small file takes.
  double plan_seconds_ = 0;   ///< What the first plan for predictions takes.
  double reserve_ = 0;        ///< Seconds for what follows the training, as measured before it.
  std::vector<formats::Tensor> initial_;
  std::string trace_ = "step,loss\n";
  std::optional<store::RunFolder> folder_;
  std::optional<RunPlots> plots_;                ///< Where there are to be any.
  std::optional<store::Checkpoint> checkpoint_;  ///< From which this training goes on.
  FinishedMembers finished_;
  bool can_resume_ = false;  ///< There is a whole checkpoint in the folder.
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
