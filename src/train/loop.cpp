#include "train/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/threads.h"
#include "lapel/error.h"
#include "train/averages.h"
#include "train/backup_and_restore.h"
#include "train/loop_state.h"
#include "train/optimizer.h"
#include "train/options.h"
#include "train/schedule.h"

namespace lapel::training {

namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Loop : private Training {
 public:
  Loop(plan::Network& network, const LoopInput& input)
      : network_(network),
        input_(input),
        measured_loss_(make_loss(input.spec.loss)),
        trained_loss_{measured_loss_.one_hot, measured_loss_.label_smoothing, input.class_weights},
        optimizer_(make_optimizer(input.spec.optimizer)),
        rules_(*optimizer_, input.spec.groups, network.parameters().entries()),
        schedule_(make_schedule(input.spec.schedule)),
        averages_(input.spec, network.parameters()),
        batch_(effective_batch(input.spec, input.splits.train.count)),
        steps_of_epoch_((input.splits.train.count + batch_ - 1) / batch_),
        callbacks_(input.callbacks),
        rate_(optimizer_->learning_rate()) {
    network.parameters().add_optimizer_state(optimizer_->states());
    constexpr std::int64_t kManyEpochs = 1024;
    const bool timed = input.deadline != nullptr;
    result_.history.reserve(static_cast<std::size_t>(timed ? kManyEpochs : std::min(kManyEpochs, input.spec.epochs)));
    progress_.epochs = input.spec.epochs;
    progress_.steps = steps_of_epoch_;
    progress_.member = input.member;
    progress_.members = input.members;
    if (input.save) {
      backup_.emplace(
          input.checkpoint_seconds, [this] { return now(); }, [this] { save(); });
      callbacks_.push_back(&*backup_);
    }
  }

  LoopResult run() {
    const ThreadScope threads(network_.options().threads);
    start_ = now();
    if (input_.deadline != nullptr) {
      input_.deadline->begin(start_ - (input_.resume != nullptr ? input_.resume->seconds : 0));
    }
    if (input_.resume != nullptr) {
      go_on_from(*input_.resume);
    }
    for (Callback* callback : callbacks_) {
      callback->on_begin(*this);
    }
    while (!over()) {
      run_epoch();
    }
    averages_.exchange(network_.parameters(), result_.steps);
    ended_ = true;
    for (Callback* callback : callbacks_) {
      callback->on_end(*this);
    }
    if (const auto bad = weight_that_is_not_finite(network_.parameters())) {
      refuse_weight(*bad);
    }
    result_.seconds = seconds_so_far();
    return std::move(result_);
  }

 private:
  /// Where the training stands within its epoch.
  struct EpochState {
    std::int64_t epoch = 1;
    std::int64_t step = 0;     ///< Steps done.
    std::int64_t samples = 0;  ///< That these steps have seen.
    kernels::LossResult sum;
    double start = 0;  ///< On the clock; earlier by what was spent on the epoch before a resume.
    double learning_rate = 0;
  };

  // As callbacks see it.

  [[nodiscard]] const Progress& progress() const override { return progress_; }
  [[nodiscard]] std::int64_t steps() const override { return result_.steps; }
  [[nodiscard]] double loss() const override { return last_loss_; }
  [[nodiscard]] const std::vector<EpochResult>& history() const override { return result_.history; }
  [[nodiscard]] bool resumed() const override { return input_.resume != nullptr; }
  [[nodiscard]] double learning_rate() const override { return rate_; }
  void set_learning_rate(double rate) override { rate_ = rate; }
  [[nodiscard]] std::vector<float> weights() const override {
    return flat_weights(network_.parameters(), evaluated_arena());
  }
  void set_weights(std::span<const float> weights) override { set_flat_weights(network_.parameters(), weights); }
  void save_model(const std::filesystem::path& file) const override {
    if (input_.save_model) {
      input_.save_model(file, weight_tensors(network_.parameters(), evaluated_arena()));
    }
  }
  void stop(const std::string& reason) override {
    if (result_.stopped_by.empty()) {
      result_.stopped_by = reason;
    }
  }

  /// The weights that would be evaluated and saved now.
  [[nodiscard]] std::span<const float> evaluated_arena() const {
    return ended_ ? network_.parameters().values() : averages_.evaluated(network_.parameters(), result_.steps);
  }

  [[nodiscard]] double now() const { return input_.now ? input_.now() : steady_seconds(); }
  [[nodiscard]] double seconds_so_far() const { return seconds_before_ + now() - start_; }
  [[nodiscard]] bool stopped() const { return !result_.stopped_by.empty(); }
  [[nodiscard]] bool over() const {
    return result_.interrupted || time_is_up_ || stopped() ||
           (input_.deadline == nullptr && at_.epoch > input_.spec.epochs);
  }

  void run_epoch() {
    const auto seed = static_cast<std::uint64_t>(input_.spec.seed);
    const auto epoch = static_cast<std::uint32_t>(at_.epoch);
    if (input_.spec.sampling == "balanced") {
      data::balanced_order(input_.splits.train, input_.pictures.labels, seed, epoch, order_);
    } else {
      data::epoch_order(input_.splits.train, input_.spec.shuffle, seed, epoch, order_);
    }
    if (at_.step == 0) {
      at_.start = now();
    }
    progress_.epoch = at_.epoch;
    plan::Plan* plan = nullptr;
    while (at_.step < steps_of_epoch_ && !stopped() && !time_is_up_) {
      if (input_.stop.stop_requested()) {
        result_.interrupted = true;
        save();
        return;
      }
      const std::int64_t first = at_.step * batch_;
      const std::int64_t size = pictures_that_fit(std::min(batch_, input_.splits.train.count - first));
      if (size == 0) {
        break;
      }
      const double begin = now();
      if (plan == nullptr || plan->batch() != size) {
        plan = &network_.plan(size, true);
      }
      run_step(*plan, first, size, begin);
    }
    if (at_.step > 0) {
      finish_epoch();
    }
  }

  /// Of the pictures of a step, as many as there is time for: all, or as the last step of the training less. None where
  /// so short a rest is not worth a step of its own.
  [[nodiscard]] std::int64_t pictures_that_fit(std::int64_t size) {
    if (input_.deadline == nullptr) {
      return size;
    }
    constexpr double kShort = 0.04;  // Of all the time.
    constexpr double kForSure = 0.9;
    const double share = input_.deadline->share_that_fits();
    if (share >= 1) {
      return size;
    }
    time_is_up_ = true;
    const bool long_steps = input_.deadline->pace() > kShort * input_.deadline->end();
    return long_steps ? static_cast<std::int64_t>(kForSure * share * static_cast<double>(size)) : 0;
  }

  void run_step(plan::Plan& plan, std::int64_t first, std::int64_t size, double begin) {
    const auto from_here = std::span<const std::uint32_t>(order_).subspan(static_cast<std::size_t>(first));
    const auto rows = from_here.first(static_cast<std::size_t>(size));
    const auto after = from_here.subspan(rows.size());
    const auto next = after.first(std::min(after.size(), rows.size()));
    const double progress = progress_at(begin);
    at_.learning_rate = rate_ * schedule_->factor(progress, epochs_at(progress));
    const auto result =
        plan.train_step({input_.pictures.pictures.pixels.data(), input_.pictures.labels, rows, next}, trained_loss_,
                        {static_cast<std::uint64_t>(input_.spec.seed), static_cast<std::uint32_t>(at_.epoch)},
                        rules_.at(at_.learning_rate, result_.steps + 1));
    last_loss_ = result.loss_sum / static_cast<double>(size);
    if (!std::isfinite(last_loss_)) {
      fail_unless_stopped([&] { refuse_loss(); });
      return;
    }
    ++result_.steps;
    averages_.after_step(network_.parameters(), result_.steps, progress);
    ++at_.step;
    at_.samples += size;
    at_.sum.loss_sum += result.loss_sum;
    at_.sum.correct += result.correct;
    if (input_.deadline != nullptr) {
      progress_.epochs = static_cast<std::int64_t>(std::ceil(std::max(epochs_at(progress), epochs_done())));
    }
    progress_.step = at_.step;
    progress_.accuracy = accuracy_so_far();
    progress_.loss = loss_so_far();
    progress_.seconds = now() - at_.start;
    for (Callback* callback : callbacks_) {
      callback->on_step(*this);
    }
    if (input_.deadline != nullptr) {
      input_.deadline->step_done(now() - begin);
    }
  }

  /// Lets callbacks stop the training at a step that failed; else calls `refuse`, which throws.
  template <class F>
  void fail_unless_stopped(const F& refuse) {
    for (Callback* callback : callbacks_) {
      callback->on_step(*this);
    }
    if (!stopped()) {
      refuse();
    }
  }

  /// The share of the training that is done before a step that begins at `begin`.
  [[nodiscard]] double progress_at(double begin) {
    return input_.deadline != nullptr
               ? input_.deadline->progress(begin)
               : static_cast<double>(result_.steps) / static_cast<double>(input_.spec.epochs * steps_of_epoch_);
  }

  [[nodiscard]] double epochs_done() const {
    return static_cast<double>(result_.steps) / static_cast<double>(steps_of_epoch_);
  }

  /// How many epochs the training will have had; with a deadline, at the pace so far.
  [[nodiscard]] double epochs_at(double progress) const {
    return input_.deadline == nullptr ? static_cast<double>(input_.spec.epochs)
           : progress > 0             ? epochs_done() / progress
                                      : 1;
  }

  [[nodiscard]] double accuracy_so_far() const {
    return static_cast<double>(at_.sum.correct) / static_cast<double>(at_.samples);
  }
  [[nodiscard]] double loss_so_far() const { return at_.sum.loss_sum / static_cast<double>(at_.samples); }

  [[nodiscard]] std::string smaller_rate() const {
    return fmt::format("a smaller learning rate: --set train.optimizer.learning_rate={:g}",
                       optimizer_->learning_rate() / 10);
  }

  [[noreturn]] void refuse_loss() const {
    throw Error(ErrorKind::kNumeric, fmt::format("epoch {}, step {} of {}", at_.epoch, at_.step + 1, steps_of_epoch_),
                fmt::format("the loss became {}", std::isnan(last_loss_) ? "not a number (NaN)" : "infinite"),
                {{"learning rate", fmt::format("{:g}", at_.learning_rate)}}, smaller_rate());
  }

  [[noreturn]] void refuse_weight(const NotFinite& bad) const {
    throw Error(ErrorKind::kNumeric, fmt::format("after step {}", result_.steps),
                fmt::format("the weight '{}' became {}", bad.name, bad.is_nan ? "not a number (NaN)" : "infinite"),
                {{"learning rate", fmt::format("{:g}", at_.learning_rate)}}, smaller_rate());
  }

  void finish_epoch() {
    if (const auto bad = weight_that_is_not_finite(network_.parameters())) {
      last_loss_ = std::numeric_limits<double>::quiet_NaN();
      fail_unless_stopped([&] { refuse_weight(*bad); });
    }
    EpochResult result{at_.epoch, accuracy_so_far(), loss_so_far(), {}, {}, at_.learning_rate, 0};
    if (input_.splits.validation.count > 0) {
      validate(result);
    }
    result.seconds = now() - at_.start;
    result_.history.push_back(result);
    progress_.seconds = result.seconds;
    at_ = {at_.epoch + 1, 0, 0, {}, 0, at_.learning_rate};
    for (Callback* callback : callbacks_) {
      callback->on_epoch(*this);
    }
  }

  void validate(EpochResult& result) {
    const auto& validation = input_.splits.validation;
    const double begin = now();
    averages_.exchange(network_.parameters(), result_.steps);
    const auto total = network_.evaluate(input_.pictures, validation.first, validation.count, batch_, measured_loss_);
    averages_.exchange(network_.parameters(), result_.steps);
    result.val_accuracy = static_cast<double>(total.correct) / static_cast<double>(validation.count);
    result.val_loss = total.loss_sum / static_cast<double>(validation.count);
    if (input_.deadline != nullptr) {
      input_.deadline->set_validation(now() - begin);
    }
  }

  /// A checkpoint of weights that are not finite would be worse than the last one.
  void save() {
    if (!input_.save || weight_that_is_not_finite(network_.parameters())) {
      return;
    }
    store::Checkpoint checkpoint;
    checkpoint.steps = result_.steps;
    checkpoint.epoch = at_.epoch;
    checkpoint.epoch_steps = at_.step;
    checkpoint.loss_sum = at_.sum.loss_sum;
    checkpoint.correct = at_.sum.correct;
    checkpoint.epoch_seconds = at_.step == 0 ? 0 : now() - at_.start;
    checkpoint.seconds = seconds_so_far();
    checkpoint.learning_rate = rate_;
    checkpoint.stopped_by = result_.stopped_by;
    checkpoint.history = result_.history;
    for (Callback* callback : input_.callbacks) {
      checkpoint.callbacks.push_back(callback->save());
    }
    checkpoint.tensors = capture(network_.parameters(), optimizer_->states(), averages_);
    input_.save(std::move(checkpoint));
  }

  void go_on_from(const store::Checkpoint& checkpoint) {
    if (checkpoint.epoch_steps > steps_of_epoch_ || checkpoint.correct > input_.splits.train.count) {
      throw Error(ErrorKind::kModelFile, {}, "the checkpoint is of another training than it says",
                  {{"steps of its epoch", fmt::format("{}, of {}", checkpoint.epoch_steps, steps_of_epoch_)}});
    }
    restore(checkpoint.tensors, network_.parameters(), optimizer_->states(), averages_);
    result_.steps = checkpoint.steps;
    result_.history = checkpoint.history;
    result_.stopped_by = checkpoint.stopped_by;
    rate_ = checkpoint.learning_rate.value_or(rate_);
    at_ = {checkpoint.epoch,
           checkpoint.epoch_steps,
           std::min(checkpoint.epoch_steps * batch_, input_.splits.train.count),
           {checkpoint.loss_sum, checkpoint.correct},
           start_ - checkpoint.epoch_seconds,
           checkpoint.history.empty() ? 0 : checkpoint.history.back().learning_rate};
    seconds_before_ = checkpoint.seconds;
    progress_.epoch = at_.epoch;
    progress_.step = at_.step;
    for (std::size_t i = 0; i < std::min(checkpoint.callbacks.size(), input_.callbacks.size()); ++i) {
      input_.callbacks[i]->restore(checkpoint.callbacks[i]);
    }
  }

  plan::Network& network_;
  const LoopInput& input_;
  plan::LossRule measured_loss_;
  plan::LossRule trained_loss_;
  std::unique_ptr<Optimizer> optimizer_;
  WeightRules rules_;
  std::unique_ptr<Schedule> schedule_;
  Averages averages_;
  std::int64_t batch_;
  std::int64_t steps_of_epoch_;
  std::optional<BackupAndRestore> backup_;
  std::vector<Callback*> callbacks_;
  double rate_;  ///< Of the optimizer, as callbacks changed it.
  std::vector<std::uint32_t> order_;
  EpochState at_;
  Progress progress_;
  double last_loss_ = 0;
  bool time_is_up_ = false;
  bool ended_ = false;  ///< The network has the weights that are evaluated and saved.
  double start_ = 0;
  double seconds_before_ = 0;
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
