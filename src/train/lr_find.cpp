#include "train/lr_find.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "base/threads.h"
#include "lapel/error.h"
#include "train/loop.h"
#include "train/optimizer.h"

namespace lapel::training {

namespace {

constexpr double kKept = 0.98;
/// So many times the lowest smoothed loss is a divergence.
constexpr double kDivergence = 4;

void check(const LrFindSettings& settings) {
  constexpr std::int64_t kFewest = 20;
  if (!(settings.start > 0) || !(settings.end > settings.start) || settings.steps < kFewest) {
    throw Error(ErrorKind::kUsage, {}, "no learning rates to try",
                {{"from", fmt::format("{:g}", settings.start)},
                 {"to", fmt::format("{:g}", settings.end)},
                 {"steps", fmt::format("{}", settings.steps)},
                 {"allowed", fmt::format("above 0, rising, in at least {} steps", kFewest)}});
  }
}

}  // namespace

void smooth(std::vector<LrFindPoint>& points) {
  double mean = 0;
  double weight = 1;
  for (auto& point : points) {
    mean = kKept * mean + (1 - kKept) * point.loss;
    weight *= kKept;
    point.smoothed = mean / (1 - weight);
  }
}

LrFindResult range_test(plan::Network& network, const LabeledPictures& pictures, const data::SampleRange& range,
                        const TrainSpec& spec, std::span<const float> class_weights, const LrFindSettings& settings) {
  check(settings);
  const ThreadScope threads(network.options().threads);
  plan::LossRule loss = make_loss(spec.loss);
  loss.class_weights = class_weights;
  const auto optimizer = make_optimizer(spec.optimizer);
  WeightRules rules(*optimizer, spec.groups, network.parameters().entries());
  network.parameters().add_optimizer_state(optimizer->states());
  const std::int64_t batch = effective_batch(spec, range.count);
  const std::int64_t epoch_steps = (range.count + batch - 1) / batch;
  std::vector<std::uint32_t> order;
  LrFindResult result;
  double lowest = std::numeric_limits<double>::infinity();
  for (std::int64_t step = 0; step < settings.steps && !settings.stop.stop_requested(); ++step) {
    const auto epoch = static_cast<std::uint32_t>(step / epoch_steps + 1);
    const std::int64_t first = step % epoch_steps * batch;
    if (first == 0) {
      data::epoch_order(range, spec.shuffle, static_cast<std::uint64_t>(spec.seed), epoch, order);
    }
    const std::int64_t size = std::min(batch, range.count - first);
    const auto rows = std::span(order).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(size));
    const double rate = settings.start * std::pow(settings.end / settings.start,
                                                  static_cast<double>(step) / static_cast<double>(settings.steps - 1));
    const auto sums = network.plan(size, true)
                          .train_step({pictures.pictures.pixels.data(), pictures.labels, rows}, loss,
                                      {static_cast<std::uint64_t>(spec.seed), epoch}, rules.at(rate, step + 1));
    if (!std::isfinite(sums.loss_sum)) {
      result.diverged = true;
      break;
    }
    result.points.push_back({rate, sums.loss_sum / static_cast<double>(size), 0});
    smooth(result.points);
    lowest = std::min(lowest, result.points.back().smoothed);
    if (result.points.back().smoothed > kDivergence * lowest) {
      result.diverged = true;
      break;
    }
  }
  return result;
}

void suggest(LrFindResult& result) {
  constexpr std::size_t kFewest = 20;
  constexpr std::size_t kLast = 5;
  const auto& all = result.points;
  if (all.size() < kFewest) {
    throw Error(ErrorKind::kNumeric, {}, fmt::format("the loss diverged after {} steps: too few to tell", all.size()),
                {}, "a smaller rate to begin with");
  }
  const std::span points = std::span(all).subspan(all.size() / 10, all.size() - all.size() / 10 - kLast);
  const auto slope = [&](std::size_t i) {
    return (points[i + 1].smoothed - points[i].smoothed) /
           std::log(points[i + 1].learning_rate / points[i].learning_rate);
  };
  std::size_t steepest = 0;
  for (std::size_t i = 1; i + 1 < points.size(); ++i) {
    steepest = slope(i) < slope(steepest) ? i : steepest;
  }
  const auto lower = [](const LrFindPoint& a, const LrFindPoint& b) { return a.smoothed < b.smoothed; };
  result.steepest = points[steepest].learning_rate;
  result.minimum_tenth = std::min_element(points.begin(), points.end(), lower)->learning_rate / 10;
}

}  // namespace lapel::training
