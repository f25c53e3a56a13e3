#include "plan/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "base/memory.h"
#include "base/threads.h"
#include "lapel/error.h"
#include "plan/folded_weights.h"
#include "plan/show.h"

namespace lapel::plan {

Network::Network(model::Model model, const NetworkOptions& options) : model_(std::move(model)), options_(options) {
  const ThreadScope threads(options.threads);
  auto main = make_plan(options.main_batch, options.training, {});
  const std::size_t free = free_memory();
  const auto fits = [&] { return main->bytes() + main->weight_bytes() <= free; };
  while (!options.training && options_.main_batch > 1 && !fits()) {
    options_.main_batch = (options_.main_batch + 1) / 2;  // Predictions run in batches of any size.
    main = make_plan(options_.main_batch, false, {});
  }
  if (options.training) {
    check_fits(*main, free);
  }
  program_parameters_ = main->program().parameters;
  parameters_ = std::make_unique<Parameters>(program_parameters_, main->layouts(), options.dtype);
  if (options.training) {
    main->bind(*parameters_);
  }
  plans_.push_back({options.training, std::move(main)});
}

void Network::check_fits(const Plan& plan, std::size_t free) const {
  // In training with the optimizer's state, up to two numbers a weight, and gradients.
  const std::size_t numbers = parameters_ ? 0 : options_.training ? 4 : 1;
  const std::size_t weights = numbers * plan.weight_bytes();
  if (plan.bytes() + weights < kWorthChecking) {
    return;
  }
  const std::size_t each = std::max<std::size_t>(1, plan.bytes() / static_cast<std::size_t>(plan.batch()));
  const std::size_t batch = free > weights ? (free - weights) / each : 0;
  check_memory(std::array{MemoryWish{options_.training ? "weights with their state" : "weights", weights},
                          MemoryWish{fmt::format("activations of {} pictures", plan.batch()), plan.bytes()}},
               free,
               batch > 0 ? fmt::format("batch_size = {} or less, or a smaller model", batch)
                         : "a smaller model, or smaller pictures");
}

std::unique_ptr<Plan> Network::make_plan(std::int64_t batch, bool training,
                                         std::span<const kernels::WeightLayout> stored) const {
  if (training && options_.frozen) {
    throw Error(ErrorKind::kInternal, {}, "a network with frozen weights cannot be trained");
  }
  return std::make_unique<Plan>(
      model_, PlanOptions{batch, training, options_.dtype, options_.scale, options_.frozen, options_.make_operator},
      stored);
}

void Network::set_weights(std::span<const std::span<const float>> weights) {
  const auto numbers = folded_weights(program_parameters_, model_, weights);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    parameters_->set(i, numbers[i]);
  }
}

std::vector<kernels::WeightLayout> Network::stored_layouts() const {
  std::vector<kernels::WeightLayout> stored;
  for (const auto& entry : parameters_->entries()) {
    stored.push_back(entry.layout);
  }
  return stored;
}

Plan& Network::plan(std::int64_t batch, bool training) {
  Plan& plan = planned(batch, training);
  if (!plan.is_bound()) {
    check_fits(plan, free_memory());
    plan.bind(*parameters_);
  }
  return plan;
}

Plan& Network::planned(std::int64_t batch, bool training) {
  for (auto& entry : plans_) {
    if (entry.training == training && entry.plan->batch() == batch) {
      return *entry.plan;
    }
  }
  const ThreadScope threads(options_.threads);
  plans_.push_back({training, make_plan(batch, training, stored_layouts())});
  return *plans_.back().plan;
}

std::int64_t Network::inference_batch(std::int64_t batch) {
  constexpr std::size_t kCacheBytes = std::size_t{8} << 20U;
  constexpr std::int64_t kLeast = 32;  // Below, products lose more than caches give.
  for (const auto& [asked, found] : inference_batches_) {
    if (asked == batch) {
      return found;
    }
  }
  const Plan& whole = planned(batch, false);
  const std::size_t free = free_memory();
  const auto bytes_of = [&](std::int64_t count) {
    return whole.bytes() / static_cast<std::size_t>(batch) * static_cast<std::size_t>(count);
  };
  std::int64_t found = batch;
  while ((whole.has_convolution() && found >= 2 * kLeast && bytes_of(found) > kCacheBytes) ||
         (found > 1 && bytes_of(found) > free)) {
    found = (found + 1) / 2;
  }
  if (found < batch && !whole.is_bound()) {
    std::erase_if(plans_, [&](const Entry& entry) { return entry.plan.get() == &whole; });
  }
  inference_batches_.emplace_back(batch, found);
  return found;
}

namespace {

/// Calls `body(first, count)` for stretches of at most `batch` that cover [first, first + count).
template <class F>
void for_batches(std::int64_t first, std::int64_t count, std::int64_t batch, const F& body) {
  for (std::int64_t done = 0; done < count; done += batch) {
    body(first + done, std::min(batch, count - done));
  }
}

}  // namespace

void Network::predict(const std::uint8_t* pixels, std::int64_t first, std::int64_t count, std::int64_t batch,
                      std::span<float> probabilities) {
  const ThreadScope threads(options_.threads);
  for_batches(first, count, inference_batch(std::min(batch, count)), [&](std::int64_t begin, std::int64_t size) {
    rows_.resize(static_cast<std::size_t>(size));
    std::iota(rows_.begin(), rows_.end(), static_cast<std::uint32_t>(begin));
    const auto out = probabilities.subspan(static_cast<std::size_t>((begin - first) * model_.outputs()),
                                           static_cast<std::size_t>(size * model_.outputs()));
    plan(size, false).predict({pixels, {}, rows_}, out);
  });
}

void Network::predict(std::span<const model::View> views, const Shape& picture, const std::uint8_t* pixels,
                      std::int64_t count, std::int64_t batch, std::span<float> probabilities) {
  if (views.size() == 1 && views.front() == model::View{}) {
    predict(pixels, 0, count, batch, probabilities);
    return;
  }
  const ThreadScope threads(options_.threads);
  for_batches(0, count, inference_batch(std::min(batch, count)), [&](std::int64_t begin, std::int64_t size) {
    rows_.resize(static_cast<std::size_t>(size));
    std::iota(rows_.begin(), rows_.end(), 0U);
    seen_.resize(static_cast<std::size_t>(size * picture.size()));
    logits_.resize(static_cast<std::size_t>(size * model_.outputs()));
    mean_logits_.assign(logits_.size(), 0.0F);
    for (const model::View& view : views) {
      show(view, picture, {pixels + begin * picture.size(), seen_.size()}, seen_);
      plan(size, false).logits({seen_.data(), {}, rows_}, {}, logits_);
      std::transform(logits_.begin(), logits_.end(), mean_logits_.begin(), mean_logits_.begin(),
                     [&](float one, float sum) { return sum + view.weight * one; });
    }
    kernels::softmax_rows(kernels::Dtype::kFloat32, mean_logits_.data(), size, model_.outputs(),
                          probabilities.data() + begin * model_.outputs());
  });
}

kernels::LossResult Network::evaluate(const LabeledPictures& pictures, std::int64_t first, std::int64_t count,
                                      std::int64_t batch, const LossRule& loss) {
  const ThreadScope threads(options_.threads);
  kernels::LossResult total;
  for_batches(first, count, inference_batch(std::min(batch, count)), [&](std::int64_t begin, std::int64_t size) {
    rows_.resize(static_cast<std::size_t>(size));
    std::iota(rows_.begin(), rows_.end(), static_cast<std::uint32_t>(begin));
    const auto result = plan(size, false).evaluate({pictures.pictures.pixels.data(), pictures.labels, rows_}, loss, {});
    total.loss_sum += result.loss_sum;
    total.correct += result.correct;
  });
  return total;
}

NetworkMemory Network::memory() const {
  NetworkMemory total{parameters_->weight_bytes(), parameters_->gradient_bytes(), parameters_->state_bytes(), 0};
  for (const auto& entry : plans_) {
    total.activations += entry.plan->is_bound() ? entry.plan->bytes() : 0;
  }
  return total;
}

}  // namespace lapel::plan
