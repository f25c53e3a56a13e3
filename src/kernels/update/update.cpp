#include "kernels/update/update.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/update/update.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"
#include "kernels/update/update_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

void rule_range(const UpdateRule& rule, const UpdateSpan& span, std::size_t begin, std::size_t end) {
  with_update(rule, [&](const auto& update) HWY_ATTR { update_range(update, span, begin, end); });
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <cmath>

#include "kernels/bfloat16.h"
#include "kernels/simd/ranges.h"
#include "kernels/update/denormals.h"
#include "kernels/update/listed.h"

namespace lapel::kernels {

namespace {

HWY_EXPORT(rule_range);

/// `states`: how many arrays of state the optimizer keeps.
void check_span(const UpdateSpan& span, int states) {
  check_lengths(span.weights.size(), span.grads.size());
  if (states > 0) {
    check_lengths(span.weights.size(), span.state1.size());
  }
  if (states > 1) {
    check_lengths(span.weights.size(), span.state2.size());
  }
  if (states > 2) {
    check_lengths(span.weights.size(), span.state3.size());
  }
  if (!span.low.empty()) {
    check_lengths(span.weights.size(), span.low.size());
  }
}

/// Alpha of AdamRule: in double, once a step, since 1 - beta^t of a float would be few digits at the first steps.
double corrected_rate(const AdamRule& rule) {
  const auto t = static_cast<double>(rule.iteration);
  return static_cast<double>(rule.learning_rate) * std::sqrt(1 - std::pow(rule.beta_2, t)) /
         (1 - std::pow(rule.beta_1, t));
}

}  // namespace

UpdateRule::UpdateRule(const AdamRule& rule) : rule_(rule), alpha_(static_cast<float>(corrected_rate(rule))) {}

int UpdateRule::states() const {
  if (listed() != nullptr) {
    return listed()->states;
  }
  return muon() != nullptr ? 1 : adam() != nullptr ? 2 : sgd()->momentum == 0 ? 0 : 1;
}

// Threads take whole cache lines (parallel_numbers): where a thread's part begins changes no bit.
void UpdateRule::apply(const UpdateSpan& span) const {
  check_span(span, states());
  parallel_numbers_of(span.weights.size(), [&](std::size_t begin, std::size_t end) { apply_range(span, begin, end); });
}

void UpdateRule::apply_here(const UpdateSpan& span) const { apply_range(span, 0, span.weights.size()); }

// The dispatch on the instruction set and on the rule is here, once for a range.
void UpdateRule::apply_range(const UpdateSpan& span, std::size_t begin, std::size_t end) const {
  const FlushDenormals flush;
  if (listed() != nullptr) {
    listed()->update->run(*listed(), span, begin, end);
    return;
  }
  HWY_DYNAMIC_DISPATCH(rule_range)(*this, span, begin, end);
}

void sgd_update(const SgdRule& rule, const UpdateSpan& span) { UpdateRule(rule).apply(span); }

void adam_update(const AdamRule& rule, const UpdateSpan& span) { UpdateRule(rule).apply(span); }

}  // namespace lapel::kernels

#endif  // HWY_ONCE
