#include "train/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>

#include "base/threads.h"
#include "lapel/error.h"
#include "train/averages.h"
#include "train/loop_state.h"
#include "train/optimizer.h"
#include "train/options.h"
#include "train/schedule.h"

namespace lapel::training {

namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Loop {
 public:
  Loop(plan::Network& network, const LoopInput& input)
      : network_(network),
        input_(input),
        loss_(make_loss(input.spec.loss)),
        optimizer_(make_optimizer(input.spec.optimizer)),
        rules_(*optimizer_, input.spec.groups, network.parameters().entries()),
        schedule_(make_schedule(input.spec.schedule)),
        averages_(input.spec, network.parameters()),
        batch_(effective_batch(input.spec, input.splits.train.count)),
        steps_((input.splits.train.count + batch_ - 1) / batch_) {
    network.parameters().add_optimizer_state(optimizer_->states());
    constexpr std::int64_t kManyEpochs = 1024;
    result_.history.reserve(
        static_cast<std::size_t>(input.limit ? kManyEpochs : std::min(kManyEpochs, input.spec.epochs)));
    progress_.epochs = input.spec.epochs;
    progress_.steps = steps_;
    progress_.member = input.member;
    progress_.members = input.members;
  }

  LoopResult run() {
    const ThreadScope threads(network_.options().threads);
    start_ = saved_at_ = now();
    if (input_.limit) {
      budget_.emplace(*input_.limit, start_ - (input_.resume != nullptr ? input_.resume->seconds : 0));
    }
    if (input_.resume != nullptr) {
      go_on_from(*input_.resume);
    }
    while (!over()) {
      run_epoch();
    }
    averages_.exchange(network_.parameters(), result_.steps);
    result_.seconds = seconds_so_far();
    return std::move(result_);
  }

 private:
  /// Where the training stands within its epoch.
  struct EpochState {
    std::int64_t epoch = 1;
    std::int64_t step = 0;  ///< Steps done.
    kernels::LossResult sum;
    double start = 0;  ///< On the clock; earlier by what was spent on the epoch before a resume.
    double learning_rate = 0;
  };

  [[nodiscard]] double now() const { return input_.now ? input_.now() : steady_seconds(); }
  [[nodiscard]] double seconds_so_far() const { return seconds_before_ + now() - start_; }
  [[nodiscard]] bool over() const {
    return result_.interrupted || time_is_up_ || (!budget_ && at_.epoch > input_.spec.epochs);
  }

  void run_epoch() {
    data::epoch_order(input_.splits.train, input_.spec.shuffle, static_cast<std::uint64_t>(input_.spec.seed),
                      static_cast<std::uint32_t>(at_.epoch), order_);
    if (at_.step == 0) {
      at_.start = now();
    }
    progress_.epoch = at_.epoch;
    plan::Plan* plan = nullptr;
    while (at_.step < steps_) {
      if (input_.stop.stop_requested()) {
        result_.interrupted = true;
        save();
        return;
      }
      const double begin = now();
      const std::int64_t first = at_.step * batch_;
      const std::int64_t size = std::min(batch_, input_.splits.train.count - first);
      if (budget_ && !fits(begin)) {
        time_is_up_ = true;
        break;
      }
      if (plan == nullptr || plan->batch() != size) {
        plan = &network_.plan(size, true);
      }
      run_step(*plan, first, size, begin);
    }
    if (at_.step > 0) {
      finish_epoch();
    }
  }

  void run_step(plan::Plan& plan, std::int64_t first, std::int64_t size, double begin) {
    const auto from_here = std::span<const std::uint32_t>(order_).subspan(static_cast<std::size_t>(first));
    const auto rows = from_here.first(static_cast<std::size_t>(size));
    const auto after = from_here.subspan(rows.size());
    const auto next = after.first(std::min(after.size(), rows.size()));
    const double progress = progress_at(begin);
    at_.learning_rate = optimizer_->learning_rate() * schedule_->factor(progress, epochs_at(progress));
    const auto result =
        plan.train_step({input_.pictures.pictures.pixels.data(), input_.pictures.labels, rows, next}, loss_,
                        {static_cast<std::uint64_t>(input_.spec.seed), static_cast<std::uint32_t>(at_.epoch)},
                        rules_.at(at_.learning_rate, result_.steps + 1));
    check_finite(result);
    ++result_.steps;
    averages_.after_step(network_.parameters(), result_.steps, progress);
    ++at_.step;
    at_.sum.loss_sum += result.loss_sum;
    at_.sum.correct += result.correct;
    if (input_.after_step) {
      input_.after_step(result_.steps, result.loss_sum / static_cast<double>(size));
    }
    const double end = now();
    if (budget_) {
      budget_->step_done(end - begin);
      progress_.epochs = static_cast<std::int64_t>(std::ceil(std::max(epochs_at(progress), epochs_done())));
    }
    report_progress(end);
    if (input_.save && at_.step < steps_ && end - saved_at_ >= input_.checkpoint_seconds) {
      save();
    }
  }

  /// Whether a step that begins now will end in time.
  [[nodiscard]] bool fits(double begin) {
    if (input_.limit->measure_again && budget_->reserve_due(begin)) {
      const double reserve = input_.limit->measure_again();
      budget_->set_reserve(reserve, now());
      return budget_->fits(now());
    }
    return budget_->fits(begin);
  }

  /// The share of the training that is done before a step that begins at `begin`.
  [[nodiscard]] double progress_at(double begin) {
    return budget_ ? budget_->progress(begin)
                   : static_cast<double>(result_.steps) / static_cast<double>(input_.spec.epochs * steps_);
  }

  [[nodiscard]] double epochs_done() const { return static_cast<double>(result_.steps) / static_cast<double>(steps_); }

  /// How many epochs the training will have had; with a time limit, at the pace so far.
  [[nodiscard]] double epochs_at(double progress) const {
    return !budget_ ? static_cast<double>(input_.spec.epochs) : progress > 0 ? epochs_done() / progress : 1;
  }

  void check_finite(const kernels::LossResult& result) const {
    if (std::isfinite(result.loss_sum)) {
      return;
    }
    throw Error(ErrorKind::kNumeric, fmt::format("epoch {}, step {} of {}", at_.epoch, at_.step + 1, steps_),
                fmt::format("the loss became {}", std::isnan(result.loss_sum) ? "not a number (NaN)" : "infinite"),
                {{"learning rate", fmt::format("{:g}", at_.learning_rate)}},
                fmt::format("a smaller learning rate: --set train.optimizer.learning_rate={:g}",
                            optimizer_->learning_rate() / 10));
  }

  /// Samples of the epoch that its steps so far have seen.
  [[nodiscard]] double samples_done() const {
    return static_cast<double>(std::min(at_.step * batch_, input_.splits.train.count));
  }

  void report_progress(double end) {
    constexpr double kInterval = 0.05;
    if (at_.step != steps_ && end - reported_ < kInterval) {
      return;
    }
    reported_ = end;
    progress_.step = at_.step;
    progress_.accuracy = static_cast<double>(at_.sum.correct) / samples_done();
    progress_.loss = at_.sum.loss_sum / samples_done();
    progress_.seconds = end - at_.start;
    if (input_.observer != nullptr) {
      input_.observer->on_progress(progress_);
    }
  }

  void finish_epoch() {
    EpochResult result{at_.epoch,
                       static_cast<double>(at_.sum.correct) / samples_done(),
                       at_.sum.loss_sum / samples_done(),
                       {},
                       {},
                       at_.learning_rate,
                       0};
    if (input_.splits.validation.count > 0) {
      validate(result);
    }
    result.seconds = now() - at_.start;
    result_.history.push_back(result);
    progress_.step = at_.step;
    progress_.seconds = result.seconds;
    at_ = {at_.epoch + 1, 0, {}, 0, at_.learning_rate};
    if (input_.observer != nullptr) {
      input_.observer->on_epoch(result, progress_);
    }
    if (input_.after_epoch) {
      input_.after_epoch(result_.history);
    }
    constexpr double kLargestShare = 0.02;
    if (save_seconds_ <= kLargestShare * (now() - start_)) {
      save();
    }
  }

  void validate(EpochResult& result) {
    const auto& validation = input_.splits.validation;
    const double begin = now();
    averages_.exchange(network_.parameters(), result_.steps);
    const auto total = network_.evaluate(input_.pictures, validation.first, validation.count, batch_, loss_);
    averages_.exchange(network_.parameters(), result_.steps);
    result.val_accuracy = static_cast<double>(total.correct) / static_cast<double>(validation.count);
    result.val_loss = total.loss_sum / static_cast<double>(validation.count);
    if (budget_) {
      budget_->set_validation(now() - begin);
    }
  }

  void save() {
    if (!input_.save) {
      return;
    }
    const double begin = now();
    store::Checkpoint checkpoint;
    checkpoint.steps = result_.steps;
    checkpoint.epoch = at_.epoch;
    checkpoint.epoch_steps = at_.step;
    checkpoint.loss_sum = at_.sum.loss_sum;
    checkpoint.correct = at_.sum.correct;
    checkpoint.epoch_seconds = at_.step == 0 ? 0 : begin - at_.start;
    checkpoint.seconds = seconds_so_far();
    checkpoint.history = result_.history;
    checkpoint.tensors = capture(network_.parameters(), optimizer_->states(), averages_);
    input_.save(std::move(checkpoint));
    saved_at_ = now();
    save_seconds_ += saved_at_ - begin;
  }

  void go_on_from(const store::Checkpoint& checkpoint) {
    restore(checkpoint.tensors, network_.parameters(), optimizer_->states(), averages_);
    result_.steps = checkpoint.steps;
    result_.history = checkpoint.history;
    at_ = {checkpoint.epoch,
           checkpoint.epoch_steps,
           {checkpoint.loss_sum, checkpoint.correct},
           start_ - checkpoint.epoch_seconds,
           checkpoint.history.empty() ? 0 : checkpoint.history.back().learning_rate};
    seconds_before_ = checkpoint.seconds;
    progress_.epoch = at_.epoch;
    progress_.step = at_.step;
    if (input_.observer != nullptr) {
      input_.observer->on_resume(progress_);
    }
  }

  plan::Network& network_;
  const LoopInput& input_;
  plan::LossRule loss_;
  std::unique_ptr<Optimizer> optimizer_;
  WeightRules rules_;
  std::unique_ptr<Schedule> schedule_;
  Averages averages_;
  std::int64_t batch_;
  std::int64_t steps_;
  std::vector<std::uint32_t> order_;
  std::optional<Budget> budget_;
  EpochState at_;
  Progress progress_;
  bool time_is_up_ = false;
  double start_ = 0;
  double seconds_before_ = 0;
  double reported_ = 0;
  double saved_at_ = 0;
  double save_seconds_ = 0;
  LoopResult result_;
};

}  // namespace

LoopResult run_loop(plan::Network& network, const LoopInput& input) { return Loop(network, input).run(); }

std::int64_t effective_batch(const TrainSpec& spec, std::int64_t samples) {
  return std::max<std::int64_t>(1, std::min(spec.batch_size, samples));
}

plan::LossRule make_loss(const TypedSpec& spec) {
  const TypedSpec full = resolved("loss", loss_types(), spec);
  const auto options = read_options(loss_options(), full.options);
  return {full.type == "categorical_crossentropy", static_cast<float>(options.label_smoothing)};
}

}  // namespace lapel::training
