#include "kernels/bfloat16.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bfloat16.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

template <class From, class To>
struct Convert {
  const From* from;
  To* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    store(d, load(d, from + i), to + i);
  }
};

}  // namespace

void to_bfloat16_range(const float* from, std::uint16_t* to, std::size_t begin, std::size_t end) {
  for_each_vector(begin, end, Convert<float, std::uint16_t>{from, to});
}

void from_bfloat16_range(const std::uint16_t* from, float* to, std::size_t begin, std::size_t end) {
  for_each_vector(begin, end, Convert<std::uint16_t, float>{from, to});
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "kernels/simd/ranges.h"

namespace lapel::kernels {

namespace {

HWY_EXPORT(to_bfloat16_range);
HWY_EXPORT(from_bfloat16_range);

}  // namespace

void to_bfloat16(std::span<const float> from, std::span<std::uint16_t> to) {
  check_lengths(from.size(), to.size());
  parallel_numbers_of(from.size(), [&](std::size_t begin, std::size_t end) {
    HWY_DYNAMIC_DISPATCH(to_bfloat16_range)(from.data(), to.data(), begin, end);
  });
}

void from_bfloat16(std::span<const std::uint16_t> from, std::span<float> to) {
  check_lengths(from.size(), to.size());
  parallel_numbers_of(from.size(), [&](std::size_t begin, std::size_t end) {
    HWY_DYNAMIC_DISPATCH(from_bfloat16_range)(from.data(), to.data(), begin, end);
  });
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
