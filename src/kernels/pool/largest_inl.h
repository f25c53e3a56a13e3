// Maxima with their places, for Highway code: include it after hwy/highway.h, in every file that foreach_target.h
// repeats. The guard is Highway's toggle, not #pragma once.
#if defined(LAPEL_KERNELS_LARGEST_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_LARGEST_INL_H
#undef LAPEL_KERNELS_LARGEST_INL_H
#else
#define LAPEL_KERNELS_LARGEST_INL_H
#endif

#include "kernels/pool/rows.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

/// The largest of the numbers taken so far, lane by lane, and its place: of equal ones the first, and a NaN wins, as in
/// Keras. The processor's maximum does neither (of a NaN and a number it gives its second operand), so that one
/// comparison decides both value and place: a number is taken unless it is less or equal, and nothing replaces a NaN.
template <class D>
class Largest {
 public:
  using V = hn::Vec<D>;

  HWY_INLINE Largest(D d, V first, std::int32_t place) : d_(d), value_(first), place_(hn::Set(di_, place)) {}

  HWY_INLINE void take(V value, std::int32_t place) {
    const auto not_larger = hn::Or(hn::Le(value, value_), hn::IsNaN(value_));
    value_ = hn::IfThenElse(not_larger, value_, value);
    place_ = hn::IfThenElse(hn::RebindMask(di_, not_larger), place_, hn::Set(di_, place));
  }

  /// What is not above zero becomes zero, and has no place; a NaN stays one.
  HWY_INLINE void pass_relu() {
    const auto closed = hn::Le(value_, hn::Zero(d_));
    value_ = hn::IfThenZeroElse(closed, value_);
    place_ = hn::IfThenElse(hn::RebindMask(di_, closed), hn::Set(di_, WindowRows::kNoPlace), place_);
  }

  [[nodiscard]] HWY_INLINE V value() const { return value_; }

  /// Places are below 256: is_max_pool_supported, fits_conv_pool.
  HWY_INLINE void write_place(std::uint8_t* to) const {
    const hn::Rebind<std::uint8_t, D> d8;
    hn::StoreU(hn::DemoteTo(d8, place_), d8, to);
  }

  /// `places` may be null.
  template <class T>
  HWY_INLINE void write(T* values, std::uint8_t* places) const {
    store(d_, value_, values);
    if (places != nullptr) {
      write_place(places);
    }
  }

 private:
  D d_;
  hn::Rebind<std::int32_t, D> di_;
  V value_;
  hn::Vec<hn::Rebind<std::int32_t, D>> place_;
};

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
