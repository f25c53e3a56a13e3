#include "lapel/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include "api/classifier_impl.h"
#include "api/closing_tasks.h"
#include "api/ensemble_members.h"
#include "api/failed_run.h"
#include "api/preparation.h"
#include "api/run_checks.h"
#include "api/run_plots.h"
#include "api/run_results.h"
#include "api/seconds_of.h"
#include "api/training_setup.h"
#include "base/only_errors.h"
#include "lapel/error.h"
#include "lapel/report.h"
#include "model/ensemble.h"
#include "store/checkpoint.h"
#include "store/history.h"
#include "store/run_folder.h"
#include "train/callbacks/callback_type.h"
#include "train/callbacks/csv_logger.h"
#include "train/deadline.h"
#include "train/loop.h"

namespace lapel {

namespace {

using Clock = std::chrono::steady_clock;
using CallbackList = std::vector<std::unique_ptr<Callback>>;

/// Keeps what the run has so far, for what is told of it where the training fails.
class History : public Callback {
 public:
  History(const std::vector<EpochResult>& earlier, std::vector<EpochResult>& all) : earlier_(earlier), all_(all) {}
  void on_epoch(Training& training) override { all_ = store::continued(earlier_, training.history()); }

 private:
  const std::vector<EpochResult>& earlier_;
  std::vector<EpochResult>& all_;
};

/// One training, from the recipe to the run folder.
class Run {
 public:
  Run(const Preparation& prepared, const TrainSettings& settings)
      : prepared_(prepared),
        data_(prepared.data()),
        settings_(settings),
        setup_(make_setup(prepared.recipe(), data_, prepared.splits())),
        recipe_(setup_.recipe),
        recipe_text_(text_without_source(recipe_)),
        budget_(training::budget_seconds(recipe_.train.time_budget)),
        started_(settings.started.value_or(Clock::now())) {}

  TrainResult execute() {
    training::check_callbacks(recipe_.train.callbacks, !settings_.folder.empty());
    check_memory_of(setup_);
    if (!settings_.init.empty()) {
      initial_ = store::read_weights(settings_.init, setup_.model);
    }
    if (!settings_.loss_csv.empty()) {
      loss_csv_.emplace(settings_.loss_csv);
    }
    if (settings_.resume) {
      open_run();
    } else if (!settings_.folder.empty()) {
      folder_.emplace(settings_.folder);
    }
    try {
      begin_folder();
      return finish(learn());
    } catch (const Error& error) {
      throw told(error);
    } catch (const std::bad_alloc&) {
      throw told(Error(ErrorKind::kIo, {}, "the memory of this machine does not suffice", {},
                       "a smaller train.batch_size, data.limit or model"));
    } catch (...) {  // Of a callback of the caller's.
      (void)told(Error(ErrorKind::kInternal, {}, {}));
      throw;
    }
  }

 private:
  using SharedImpl = std::shared_ptr<Classifier::Impl>;

  /// Seconds of work on this run, those of earlier processes included.
  [[nodiscard]] double now() const {
    return elapsed_before_ + std::chrono::duration<double>(Clock::now() - started_).count();
  }

  [[nodiscard]] std::size_t members() const { return static_cast<std::size_t>(recipe_.train.ensemble); }

  void open_run() {
    auto folder = store::RunFolder::open(settings_.folder);
    if (store::run_status(folder.path()) == "complete") {
      throw Error(
          ErrorKind::kUsage, folder.path().string(), "this run is complete: nothing is left to be trained", {},
          fmt::format("lapel train --continue {} --set train.epochs=+10, which trains it further in another folder",
                      folder.path().string()));
    }
    checkpoint_ = store::read_last_checkpoint(folder.path());
    check_same_training(*checkpoint_, recipe_text_, data_.train, folder.path());
    history_ = checkpoint_->history;
    finished_.take_from(*checkpoint_);
    elapsed_before_ = checkpoint_->elapsed;
    folder_ = std::move(folder);
  }

  void begin_folder() {
    if (!folder_) {
      return;
    }
    check_space(folder_->path(), setup_);
    if (!checkpoint_) {
      write_seconds_ = seconds_of([&] { folder_->write_recipe(write_recipe(recipe_)); });
    }
    if (settings_.plots) {
      plots_.emplace(prepared_.delivered(), folder_->path(), *settings_.plots);
    }
  }

  /// A classifier of so many members, with the weights of those that are finished.
  [[nodiscard]] store::ModelFile model_file(const model::Model& ensemble) const {
    return make_model_file(setup_, ensemble, finished_.tensors_of(ensemble), data_);
  }

  SharedImpl learn() {
    auto classifier = std::make_shared<Classifier::Impl>(model_file(setup_.ensemble), setup_.threads);
    classifier->trained_on = recipe_.data;
    if (plots_) {
      plots_->draw_data();
    }
    record_ = begin_record(setup_, budget_, prepared_.findings());
    if (budget_ > 0) {
      set_deadline(*classifier);
    }
    bool interrupted = false;
    while (!interrupted && finished_.count() < members()) {
      interrupted = train_member();
      checkpoint_.reset();
    }
    record_.status = interrupted ? "interrupted" : "complete";
    record_.epochs = static_cast<std::int64_t>(history_.size());
    if (finished_.count() == members()) {
      classifier->replace(model_file(setup_.ensemble));
    } else {
      const auto model = model::ensemble_of(setup_.model, static_cast<std::int64_t>(finished_.count()));
      record_.parameters = model.trainable_parameters() + model.non_trainable_parameters();
      classifier->start_again(model_file(model));
    }
    return classifier;
  }

  /// Trains the next one; returns whether it was interrupted. Such a one is part of the ensemble only where it is the
  /// first, which is better than none.
  bool train_member() {
    const std::size_t member = finished_.count();
    plan::Network network = make_network(setup_, member);
    for (std::size_t i = 0; i < initial_.size(); ++i) {
      network.parameters().set(i, initial_[i].values);
    }
    TrainSpec spec = recipe_.train;
    spec.seed = member_seed(spec.seed, member);
    const CallbackList callbacks = make_callbacks(member);
    std::optional<training::Deadline> share;
    training::LoopInput input{data_.train, setup_.splits, spec, pointers_to(callbacks), settings_.stop};
    input.class_weights = setup_.class_weights;
    input.now = [this] { return now(); };
    input.deadline = member_deadline(network, member, share);
    input.resume = checkpoint_ ? &*checkpoint_ : nullptr;
    input.save = checkpoint_writer();
    input.save_model = [this](const std::filesystem::path& file, std::vector<formats::Tensor> weights) {
      store::write_model_file(file, make_model_file(setup_, setup_.model, std::move(weights), data_));
    };
    input.checkpoint_seconds = settings_.checkpoint_seconds;
    input.member = static_cast<std::int64_t>(member) + 1;
    input.members = static_cast<std::int64_t>(members());
    const auto loop = training::run_loop(network, input);
    if (loop.interrupted && loop.steps == 0 && !checkpoint_ && member == 0) {
      throw Error(ErrorKind::kInterrupted, {}, "interrupted before the first step");
    }
    if (deadline_ && loop.steps == 0 && !loop.interrupted) {
      refuse_time(now());
    }
    note(network, loop);
    if (!loop.interrupted || member == 0) {
      finished_.add(network, loop);
    }
    return loop.interrupted;
  }

  /// Those of the recipe come first, so that a training that goes on finds their states whatever else there is.
  [[nodiscard]] CallbackList make_callbacks(std::size_t member) {
    training::CallbackContext context;
    if (folder_) {
      context.folder = members() == 1 ? folder_->path() : folder_->path() / fmt::format("member_{}", member + 1);
    }
    CallbackList callbacks;
    for (const auto& spec : recipe_.train.callbacks) {
      callbacks.push_back(training::make_callback(spec, context));
    }
    callbacks.push_back(std::make_unique<History>(finished_.history(), history_));
    if (folder_) {
      callbacks.push_back(std::make_unique<training::CsvLogger>(folder_->history_file(), ",", finished_.history()));
    }
    return callbacks;
  }

  /// These, and those that outlive a member.
  [[nodiscard]] std::vector<Callback*> pointers_to(const CallbackList& callbacks) {
    std::vector<Callback*> all;
    for (const auto& callback : callbacks) {
      all.push_back(callback.get());
    }
    if (loss_csv_) {
      all.push_back(&*loss_csv_);
    }
    all.insert(all.end(), settings_.callbacks.begin(), settings_.callbacks.end());
    return all;
  }

  void note(plan::Network& network, const training::LoopResult& loop) {
    const auto before = finished_.total();
    record_.steps = before.steps + loop.steps;
    record_.seconds = before.seconds + loop.seconds;
    record_.stopped_by = loop.stopped_by.empty() ? before.stopped_by : loop.stopped_by;
    record_.training_flop = training_flop(network, setup_.splits.train.count, loop.steps);
    for (const auto& one : finished_.each()) {
      record_.training_flop += training_flop(network, setup_.splits.train.count, one.steps);
    }
  }

  /// The pictures of the training part that are measured at the end.
  [[nodiscard]] data::SampleRange measured_part() const {
    constexpr std::int64_t kInHaste = 5000;
    const auto& train = setup_.splits.train;
    return budget_ > 0 ? data::SampleRange{train.first, std::min(train.count, kInHaste)} : train;
  }

  /// With a time budget: asks what follows the training how long it will take. Throws where there is no time for any.
  void set_deadline(Classifier::Impl& classifier) {
    const double spent = now();
    evaluation_.emplace(classifier, data_.train.pictures);
    const std::string& views = recipe_.train.test_time_augmentation;
    const std::vector<EvaluatedPart> parts = {{measured_part().count, kTrainingViews},
                                              {setup_.splits.validation.count, views},
                                              {data_.test.pictures.count, views}};
    const auto evaluation = [this, parts](double at_most) {
      return evaluation_->measure(at_most) ? std::optional(evaluation_->seconds(parts)) : std::nullopt;
    };
    const auto files = [this](double) {
      constexpr double kFiles = 10;
      constexpr double kTheRest = 0.03;  // Text, and giving memory back.
      return kFiles * write_seconds_ + kTheRest;
    };
    const auto plots = [this](double at_most) { return plots_ ? plots_->estimate(at_most) : std::optional(0.0); };
    deadline_.emplace(
        budget_, [this] { return now(); },
        std::vector<training::ClosingTask>{{"evaluation", evaluation}, {"files", files}, {"plots", plots}});
    deadline_->estimate();
    if (now() + deadline_->reserve() >= budget_) {
      refuse_time(spent);
    }
  }

  [[noreturn]] void refuse_time(double spent) const {
    throw Error(ErrorKind::kUsage, fmt::format("train.time_budget = \"{}\"", recipe_.train.time_budget),
                "the time is over before the first step",
                {{"to begin", fmt::format("{:.2f} s", spent)},
                 {"a step", fmt::format("{:.2f} s", deadline_->pace())},
                 {"reserved for evaluation and writing", fmt::format("{:.2f} s", deadline_->reserve())}},
                "a longer time, or smaller pictures");
  }

  /// For a member (from 0): the last one has all the time that is left, others an equal share, kept in `share`. Throws
  /// where there is no time for a step.
  training::Deadline* member_deadline(plan::Network& network, std::size_t member,
                                      std::optional<training::Deadline>& share) {
    if (!deadline_) {
      return nullptr;
    }
    training::Deadline* deadline = &*deadline_;
    if (const std::size_t left = members() - member; left > 1) {
      const double begin = now() - (checkpoint_ ? checkpoint_->seconds : 0);
      const double end = begin + (budget_ - deadline_->reserve() - begin) / static_cast<double>(left);
      deadline = &share.emplace(end, [this] { return now(); });
    }
    const double flop = static_cast<double>(network.plan(network.options().main_batch, true).flop());
    deadline->expect_step(flop * evaluation_->seconds_of_flop());
    deadline->set_validation(static_cast<double>(setup_.splits.validation.count) * evaluation_->seconds_of_picture());
    if (!checkpoint_ && now() + deadline->pace() > deadline->end() - deadline->reserve()) {
      deadline_->expect_step(deadline->pace());
      refuse_time(now());
    }
    return deadline;
  }

  std::function<void(store::Checkpoint)> checkpoint_writer() {
    if (!folder_) {
      return {};
    }
    return [this, checksum = store::checksum_of(data_.train)](store::Checkpoint checkpoint) {
      if (checkpoint.steps == 0 && finished_.count() == 0) {
        return;  // Nothing is learned by then.
      }
      finished_.write_to(checkpoint);
      checkpoint.recipe = recipe_text_;
      checkpoint.data_checksum = checksum;
      checkpoint.elapsed = now();
      store::write_checkpoint(folder_->path(), checkpoint);
    };
  }

  TrainResult finish(const SharedImpl& impl) {
    Classifier classifier(impl);
    MeasuredParts measured = measure_run(classifier, *impl, data_, setup_, measured_part(), record_);
    std::string plot_problem;
    if (folder_) {
      const RunResults results{prepared_.delivered(), setup_, classifier, history_, measured};
      const auto shown = write_results(*folder_, results, record_);
      record_.process_seconds = now();
      folder_->write_metrics(to_json(record_));
      if (record_.status == "complete") {
        store::remove_checkpoints(folder_->path());
      }
      if (plots_) {  // Everything else is saved by now, so that a failure costs the plots alone.
        plot_problem = draw_results(*plots_, *folder_, results, shown, record_.steps);
      }
    }
    record_.process_seconds = now();
    return {record_,
            history_,
            std::move(measured.test),
            std::move(plot_problem),
            std::move(classifier),
            std::move(measured.validation)};
  }

  /// An error with what becomes of the run folder.
  [[nodiscard]] Error told(const Error& error) const {
    if (!folder_) {
      return error;
    }
    RunRecord failed = begin_record(setup_, budget_, prepared_.findings());
    failed.status = "failed";
    failed.epochs = static_cast<std::int64_t>(history_.size());
    failed.process_seconds = now();
    return after_failure(error, *folder_, failed);
  }

  const Preparation& prepared_;
  const DataSet& data_;
  const TrainSettings& settings_;
  const TrainingSetup setup_;
  const Recipe& recipe_;
  const std::string recipe_text_;  ///< That a checkpoint keeps.
  double budget_;                  ///< Seconds; 0: none.
  Clock::time_point started_;
  double elapsed_before_ = 0;
  double write_seconds_ = 0;  ///< What one small file takes.
  std::vector<formats::Tensor> initial_;
  std::optional<training::StepLossCsv> loss_csv_;
  std::optional<store::RunFolder> folder_;
  std::optional<RunPlots> plots_;  ///< Where there are to be any.
  std::optional<EvaluationCost> evaluation_;
  std::optional<training::Deadline> deadline_;   ///< Of the process; where there is a time budget.
  std::optional<store::Checkpoint> checkpoint_;  ///< From which this training goes on.
  FinishedMembers finished_;
  std::vector<EpochResult> history_;
  RunRecord record_;
};

}  // namespace

TrainResult train(const Recipe& recipe, const DataSet& data, const TrainSettings& settings) {
  return only_errors(recipe.name, [&] {
    const Preparation prepared(recipe, data, settings);
    return Run(prepared, settings).execute();
  });
}

}  // namespace lapel
