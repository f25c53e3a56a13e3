#include "bound_operator.h"

#include <algorithm>

#include "base/rng.h"
#include "kernels/bfloat16.h"
#include "kernels/conv/conv.h"
#include "kernels/onednn/operators.h"
#include "kernels/reference/reference.h"
#include "kernels/update_rule.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

/// As many as Fashion-MNIST has for training: the gather of a batch finds them in memory, not in a cache.
constexpr std::uint32_t kPictures = 60'000;

std::unique_ptr<Operator> make(const OperatorCase& wanted, Dtype dtype, Maker maker) {
  const BuildOptions options{wanted.batch, true, !wanted.first, dtype, {}};
  if (maker == Maker::kLapel) {
    return make_operator(wanted.op, options);
  }
  if (maker == Maker::kPlain) {
    return make_reference_operator(wanted.op, options);
  }
  std::unique_ptr<Operator> made;
  if (const auto* dense = std::get_if<DenseOp>(&wanted.op)) {
    made = make_onednn_dense(*dense, options, true);
  } else if (const auto* convolution = std::get_if<Conv2DOp>(&wanted.op)) {
    made = make_onednn_conv2d(*convolution, options, true);
  } else if (const auto* pool = std::get_if<Pool2DOp>(&wanted.op)) {
    made = make_onednn_pool2d(*pool, options, true);
  }
  if (!made) {
    throw Error(ErrorKind::kInternal, wanted.name, "oneDNN has no such operator");
  }
  return made;
}

}  // namespace

std::string_view maker_name(Maker maker) {
  return maker == Maker::kLapel ? "lapel" : maker == Maker::kOnednn ? "onednn" : "plain";
}

bool has_maker(const Op& op, Dtype dtype, Maker maker) {
  if (maker == Maker::kLapel) {
    return true;
  }
  // In float32 convolutions are oneDNN's but for one part, which conv_gradient_bench.cpp compares, and it has none in
  // bfloat16 for every CPU. Plain products take seconds.
  const bool native = dtype == Dtype::kFloat32 || cpu().fast_bfloat16;
  const bool convolution = std::holds_alternative<Conv2DOp>(op) && dtype == Dtype::kBfloat16;
  const bool products = std::holds_alternative<Conv2DOp>(op) || std::holds_alternative<ConvPoolOp>(op) ||
                        std::holds_alternative<DenseChainOp>(op);
  const bool onednn = std::holds_alternative<DenseOp>(op) || convolution || std::holds_alternative<Pool2DOp>(op);
  return maker == Maker::kOnednn ? onednn && native : !onednn && !products;
}

BoundOperator::BoundOperator(const OperatorCase& wanted, Dtype dtype, Maker maker)
    : case_(wanted), info_(describe(wanted.op)), dtype_(dtype), operator_(make(wanted, dtype, maker)) {
  const std::int64_t picture = info_.pixels;
  pixels_.resize(static_cast<std::size_t>(picture * kPictures));
  for (std::size_t i = 0; i < pixels_.size(); ++i) {
    pixels_[i] = static_cast<std::uint8_t>(i * 7);
  }
  const RandomStream random{1, RandomPurpose::kTest, 1000, 0, 0};
  for (std::int64_t i = 0; i < wanted.batch; ++i) {
    const double place = static_cast<double>(random.uniform(static_cast<std::uint64_t>(i))) * kPictures;
    samples_.push_back(std::min(static_cast<std::uint32_t>(place), kPictures - 1));
  }
  state_.pixels = pixels_.data();
  state_.samples = samples_;
  state_.training = true;
  Binding binding;
  bind_inputs(binding);
  bind_weights(binding);
  binding.output = numbers(case_.batch * info_.out, dtype_);
  binding.output_grad = numbers(case_.batch * info_.out, dtype_);
  binding.saved = memory(operator_->saved_bytes());
  binding.scratch = memory(operator_->scratch_bytes());
  operator_->bind(binding);
  forward();  // So that backward finds what it reads.
}

void* BoundOperator::memory(std::size_t bytes) { return buffers_.emplace_back(std::max<std::size_t>(bytes, 1)).data(); }

/// In [-0.1, 0.1): products of many of them stay of ordinary size. The same again after so many that it does not
/// matter.
void* BoundOperator::numbers(std::int64_t count, Dtype dtype) {
  constexpr std::size_t kPeriod = 65'521;
  const RandomStream random{1, RandomPurpose::kTest, static_cast<std::uint32_t>(buffers_.size()), 0, 0};
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = i < kPeriod ? 0.2F * random.uniform(i) - 0.1F : values[i - kPeriod];
  }
  void* const place = memory(values.size() * dtype_bytes(dtype));
  if (dtype == Dtype::kFloat32) {
    std::copy(values.begin(), values.end(), static_cast<float*>(place));
  } else {
    to_bfloat16(values, {static_cast<std::uint16_t*>(place), values.size()});
  }
  return place;
}

void BoundOperator::bind_inputs(Binding& binding) {
  for (std::int64_t i = 0; i < info_.inputs; ++i) {
    binding.inputs.push_back(numbers(case_.batch * info_.in, dtype_));
    binding.input_grads.push_back(case_.first ? nullptr : numbers(case_.batch * info_.in, dtype_));
  }
}

void BoundOperator::bind_weights(Binding& binding) {
  const auto layouts = operator_->weight_layouts();
  targets_.reserve(layouts.size());  // The binding keeps their addresses.
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    const std::int64_t size = layouts[i].packed_size();
    auto* const master = static_cast<float*>(numbers(size, Dtype::kFloat32));
    if (i >= info_.weights.size()) {
      binding.statistics.push_back(master);
      continue;
    }
    const bool low = dtype_ == Dtype::kBfloat16 && layouts[i].shape().size() > 1;
    auto* const copy = low ? static_cast<std::uint16_t*>(numbers(size, dtype_)) : nullptr;
    auto* const grad = static_cast<float*>(numbers(size, Dtype::kFloat32));
    binding.weights.push_back(low ? static_cast<const void*>(copy) : master);
    binding.weight_grads.push_back(grad);
    const auto count = static_cast<std::size_t>(size);
    const UpdateTarget target{master, static_cast<float*>(memory(count * 4)), static_cast<float*>(memory(count * 4)),
                              copy};
    binding.update_targets.push_back(&targets_.emplace_back(target));
    spans_.push_back({{target.weights, count},
                      {grad, count},
                      {target.state1, count},
                      {target.state2, count},
                      {target.low, low ? count : 0}});
    rules_.emplace_back(AdamRule{});
  }
}

void BoundOperator::backward_and_update() {
  state_.rules = rules_;
  operator_->backward(state_);
  state_.rules = {};
  if (!operator_->has_fused_update()) {
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      rules_[i].apply(spans_[i]);
    }
  }
}

std::int64_t BoundOperator::forward_flop() const { return info_.flop * case_.batch; }

std::int64_t BoundOperator::backward_flop() const { return info_.backward_flop_of(!case_.first) * case_.batch; }

std::int64_t BoundOperator::activation_bytes() const {
  const std::int64_t numbers = info_.in * info_.inputs + info_.out;
  return case_.batch * (info_.pixels + numbers * static_cast<std::int64_t>(dtype_bytes(dtype_)));
}

}  // namespace lapel::kernels
