#include "train/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>

#include "base/threads.h"
#include "lapel/error.h"
#include "train/optimizer.h"
#include "train/options.h"
#include "train/schedule.h"

namespace lapel::training {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class Loop {
 public:
  Loop(plan::Network& network, const LoopInput& input)
      : network_(network),
        input_(input),
        loss_(make_loss(input.spec.loss)),
        optimizer_(make_optimizer(input.spec.optimizer)),
        schedule_(make_schedule(input.spec.schedule)),
        batch_(effective_batch(input.spec, input.splits.train.count)),
        steps_((input.splits.train.count + batch_ - 1) / batch_) {
    network.parameters().add_optimizer_state(optimizer_->states());
    result_.history.reserve(static_cast<std::size_t>(input.spec.epochs));
    progress_.epochs = input.spec.epochs;
    progress_.steps = steps_;
  }

  LoopResult run() {
    const ThreadScope threads(network_.options().threads);
    const auto start = Clock::now();
    for (std::int64_t epoch = 1; epoch <= input_.spec.epochs && !result_.interrupted; ++epoch) {
      run_epoch(epoch);
    }
    result_.seconds = seconds_since(start);
    return std::move(result_);
  }

 private:
  void run_epoch(std::int64_t epoch) {
    const auto start = Clock::now();
    data::epoch_order(input_.splits.train, input_.spec.shuffle, static_cast<std::uint64_t>(input_.spec.seed),
                      static_cast<std::uint32_t>(epoch), order_);
    progress_.epoch = epoch;
    plan::Plan* plan = nullptr;
    kernels::LossResult sum;
    double learning_rate = 0;
    for (std::int64_t step = 0; step < steps_; ++step) {
      if (input_.stop.stop_requested()) {
        result_.interrupted = true;
        return;
      }
      const std::int64_t first = step * batch_;
      const std::int64_t size = std::min(batch_, input_.splits.train.count - first);
      if (plan == nullptr || plan->batch() != size) {
        plan = &network_.plan(size, true);
      }
      const auto rows = std::span(order_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(size));
      learning_rate = next_learning_rate();
      const auto result =
          plan->train_step({input_.pictures.pictures.pixels.data(), input_.pictures.labels, rows}, loss_,
                           {static_cast<std::uint64_t>(input_.spec.seed), static_cast<std::uint32_t>(epoch)},
                           optimizer_->rule(learning_rate, result_.steps + 1));
      check_finite(result, epoch, step + 1);
      ++result_.steps;
      if (input_.after_step) {
        input_.after_step(result_.steps, result.loss_sum / static_cast<double>(size));
      }
      sum.loss_sum += result.loss_sum;
      sum.correct += result.correct;
      report_progress(step + 1, first + size, sum, start);
    }
    finish_epoch(epoch, sum, learning_rate, start);
  }

  [[nodiscard]] double next_learning_rate() const {
    const double total = static_cast<double>(input_.spec.epochs * steps_);
    return optimizer_->learning_rate() * schedule_->factor(static_cast<double>(result_.steps) / total);
  }

  void check_finite(const kernels::LossResult& result, std::int64_t epoch, std::int64_t step) const {
    if (std::isfinite(result.loss_sum)) {
      return;
    }
    throw Error(ErrorKind::kNumeric, fmt::format("epoch {}, step {} of {}", epoch, step, steps_),
                fmt::format("the loss became {}", std::isnan(result.loss_sum) ? "not a number (NaN)" : "infinite"),
                {{"learning rate", fmt::format("{:g}", next_learning_rate())}},
                fmt::format("a smaller learning rate: --set train.optimizer.learning_rate={:g}",
                            optimizer_->learning_rate() / 10));
  }

  void report_progress(std::int64_t step, std::int64_t samples, const kernels::LossResult& sum,
                       Clock::time_point start) {
    constexpr auto kInterval = std::chrono::milliseconds(50);
    const auto now = Clock::now();
    if (step != steps_ && now - reported_ < kInterval) {
      return;
    }
    reported_ = now;
    progress_.step = step;
    progress_.accuracy = static_cast<double>(sum.correct) / static_cast<double>(samples);
    progress_.loss = sum.loss_sum / static_cast<double>(samples);
    progress_.seconds = std::chrono::duration<double>(now - start).count();
    if (input_.observer != nullptr) {
      input_.observer->on_progress(progress_);
    }
  }

  void finish_epoch(std::int64_t epoch, const kernels::LossResult& sum, double learning_rate, Clock::time_point start) {
    const auto samples = static_cast<double>(input_.splits.train.count);
    EpochResult epoch_result{
        epoch, static_cast<double>(sum.correct) / samples, sum.loss_sum / samples, {}, {}, learning_rate, 0};
    if (const auto& validation = input_.splits.validation; validation.count > 0) {
      const auto total = network_.evaluate(input_.pictures, validation.first, validation.count, batch_, loss_);
      epoch_result.val_accuracy = static_cast<double>(total.correct) / static_cast<double>(validation.count);
      epoch_result.val_loss = total.loss_sum / static_cast<double>(validation.count);
    }
    epoch_result.seconds = seconds_since(start);
    result_.history.push_back(epoch_result);
    if (input_.observer != nullptr) {
      input_.observer->on_epoch(epoch_result, progress_);
    }
    if (input_.after_epoch) {
      input_.after_epoch(result_.history);
    }
  }

  plan::Network& network_;
  const LoopInput& input_;
  plan::LossRule loss_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Schedule> schedule_;
  std::int64_t batch_;
  std::int64_t steps_;
  std::vector<std::uint32_t> order_;
  Progress progress_;
  Clock::time_point reported_;
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
