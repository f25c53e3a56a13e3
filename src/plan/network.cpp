#include "plan/network.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/threads.h"
#include "lapel/error.h"
#include "plan/folded_weights.h"
#include "plan/show.h"

namespace lapel::plan {

Network::Network(model::Model model, const NetworkOptions& options) : model_(std::move(model)), options_(options) {
  const ThreadScope threads(options.threads);
  auto main = make_plan(options.main_batch, options.training, {});
  program_parameters_ = main->program().parameters;
  parameters_ = std::make_unique<Parameters>(program_parameters_, main->layouts(), options.dtype);
  main->bind(*parameters_);
  plans_.push_back({options.training, std::move(main)});
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

Plan& Network::plan(std::int64_t batch, bool training) {
  for (auto& entry : plans_) {
    if (entry.training == training && entry.plan->batch() == batch) {
      return *entry.plan;
    }
  }
  const ThreadScope threads(options_.threads);
  std::vector<kernels::WeightLayout> stored;
  for (const auto& entry : parameters_->entries()) {
    stored.push_back(entry.layout);
  }
  auto made = make_plan(batch, training, stored);
  made->bind(*parameters_);
  plans_.push_back({training, std::move(made)});
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
  const Plan* const whole = &plan(batch, false);
  std::int64_t found = batch;
  while (whole->has_convolution() && found >= 2 * kLeast &&
         whole->bytes() / static_cast<std::size_t>(batch) * static_cast<std::size_t>(found) > kCacheBytes) {
    found = (found + 1) / 2;
  }
  if (found < batch && plans_.back().plan.get() == whole) {
    plans_.pop_back();
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
    total.activations += entry.plan->bytes();
  }
  return total;
}

}  // namespace lapel::plan
