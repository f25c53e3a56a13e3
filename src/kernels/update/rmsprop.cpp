#include <cmath>

#include "kernels/update/listed.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/update/rmsprop.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

/// Keras 3's RMSprop (Hinton 2012), with lr, rho, momentum, epsilon, centered and lr * weight_decay in `numbers`:
///     w -= lr weight_decay w;  v = rho v + (1 - rho) g^2;  and where it is centered  a = rho a + (1 - rho) g
///     d = lr g / sqrt(v - a^2 + epsilon);  with momentum  m = momentum m + d, w -= m;  else  w -= d
/// State: v, then m where there is a momentum, then a where it is centered. Epsilon is within the root, as in Keras:
/// v - a^2 may fall below zero by a rounding.
void rmsprop(const ListedRule& rule, const UpdateSpan& span, std::size_t begin, std::size_t end) {
  const auto [rate, rho, momentum, epsilon, centered, decay, unused_1, unused_2] = rule.numbers;
  static_cast<void>(unused_1);
  static_cast<void>(unused_2);
  // Both are the same for all numbers, and well predicted: no template for each of the four ways.
  const bool moves = momentum > 0;
  float* const means = moves ? span.state3.data() : span.state2.data();
  for_each_vector(
      begin, end,
      [&, rate = rate, rho = rho, momentum = momentum, epsilon = epsilon, centered = centered, decay = decay](
          auto d, std::size_t i) HWY_ATTR {
        const auto weight = load(d, span.weights.data() + i);
        const auto grad = load(d, span.grads.data() + i);
        const auto kept = hn::Set(d, rho);
        const auto rest = hn::Set(d, 1 - rho);
        const auto square = hn::MulAdd(kept, load(d, span.state1.data() + i), hn::Mul(rest, hn::Mul(grad, grad)));
        store(d, square, span.state1.data() + i);
        auto spread = square;
        if (centered != 0) {
          const auto mean = hn::MulAdd(kept, load(d, means + i), hn::Mul(rest, grad));
          store(d, mean, means + i);
          spread = hn::NegMulAdd(mean, mean, square);
        }
        auto change = hn::Div(hn::Mul(hn::Set(d, rate), grad), hn::Sqrt(hn::Add(spread, hn::Set(d, epsilon))));
        if (moves) {
          change = hn::MulAdd(hn::Set(d, momentum), load(d, span.state2.data() + i), change);
          store(d, change, span.state2.data() + i);
        }
        const auto changed = hn::Sub(hn::NegMulAdd(hn::Set(d, decay), weight, weight), change);
        store(d, changed, span.weights.data() + i);
        if (!span.low.empty()) {
          store(d, changed, span.low.data() + i);
        }
      });
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

HWY_EXPORT(rmsprop);

namespace {

void reference_rmsprop(const ListedRule& rule, const UpdateSpan& span) {
  const auto number = [&](std::size_t i) { return static_cast<double>(rule.numbers[i]); };
  const double rho = number(1);
  const bool moves = number(2) > 0;
  const std::span<float> means = moves ? span.state3 : span.state2;
  const auto averaged = [&](float& state, double value) {
    const double mean = rho * static_cast<double>(state) + (1 - rho) * value;
    state = static_cast<float>(mean);
    return mean;
  };
  for (std::size_t i = 0; i < span.weights.size(); ++i) {
    const auto weight = static_cast<double>(span.weights[i]);
    const auto grad = static_cast<double>(span.grads[i]);
    double spread = averaged(span.state1[i], grad * grad);
    if (number(4) != 0) {
      const double mean = averaged(means[i], grad);
      spread -= mean * mean;
    }
    double change = number(0) * grad / std::sqrt(spread + number(3));
    if (moves) {
      change += number(2) * static_cast<double>(span.state2[i]);
      span.state2[i] = static_cast<float>(change);
    }
    span.weights[i] = static_cast<float>(weight - number(5) * weight - change);
  }
}

}  // namespace

template <>
ListedUpdate listed_update<struct RmspropUpdate>() {
  return {.name = "rmsprop",
          .run =
              [](const ListedRule& rule, const UpdateSpan& span, std::size_t begin, std::size_t end) {
                HWY_DYNAMIC_DISPATCH(rmsprop)
                (rule, span, begin, end);
              },
          .reference = reference_rmsprop,
          .examples = {{nullptr, {0.01F, 0.9F, 0, 1e-7F, 0, 0}, 1},
                       {nullptr, {0.01F, 0.8F, 0.5F, 1e-3F, 0, 0.01F}, 2},
                       {nullptr, {0.01F, 0.9F, 0, 1e-7F, 1, 0}, 2},
                       {nullptr, {0.01F, 0.7F, 0.9F, 1e-5F, 1, 0.001F}, 3}}};
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
