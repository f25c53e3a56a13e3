// Maximum pooling of windows that lie within the picture, for Highway code: include it after hwy/highway.h. The guard
// is Highway's toggle, not #pragma once.
#if defined(LAPEL_KERNELS_INNER_MAX_POOL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LAPEL_KERNELS_INNER_MAX_POOL_INL_H
#undef LAPEL_KERNELS_INNER_MAX_POOL_INL_H
#else
#define LAPEL_KERNELS_INNER_MAX_POOL_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/pool/rows.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// Calls `body(tag, channel)` for vectors of 16-bit numbers, then shorter ones (16 channels are half a vector of
/// AVX-512), then single numbers.
template <class F>
HWY_INLINE void for_each_vector16(std::size_t channels, const F& body) {
  const hn::ScalableTag<std::uint16_t> whole;
  const hn::CappedTag<std::uint16_t, 16> sixteen;
  const hn::CappedTag<std::uint16_t, 8> eight;
  const hn::CappedTag<std::uint16_t, 1> single;
  std::size_t i = 0;
  for (; i + hn::Lanes(whole) <= channels; i += hn::Lanes(whole)) {
    body(whole, i);
  }
  for (; i + hn::Lanes(sixteen) <= channels; i += hn::Lanes(sixteen)) {
    body(sixteen, i);
  }
  for (; i + hn::Lanes(eight) <= channels; i += hn::Lanes(eight)) {
    body(eight, i);
  }
  for (; i < channels; ++i) {
    body(single, i);
  }
}

/// One window of bfloat16 that lies within the picture, compared as 16-bit integers in the order of the numbers: of
/// negative ones all bits but the sign are turned, both zeros are 0, and NaN is the largest. `first` is its first
/// place.
/// So a vector has twice as many channels as of floats, and nothing is widened or rounded: a step of cnn takes 6% less.
/// IEEE numbers are sign and magnitude, and with their magnitude inverted negative ones are in two's complement order;
/// the same inversion turns a key back into its number. A NaN comes back as the largest key, 0x7FFF, a quiet NaN.
struct InnerMaximum16 {
  const WindowRows& rows;
  const std::uint16_t* first;
  std::uint16_t* to;
  std::uint8_t* best;
  template <class D>
  HWY_INLINE void operator()(D d16, std::size_t channel) const {
    const hn::RebindToSigned<D> di;
    const hn::Rebind<std::uint8_t, D> d8;
    const auto magnitude = hn::Set(di, 0x7FFF);
    const auto turned = [&](auto bits) HWY_ATTR { return hn::Xor(bits, hn::And(hn::ShiftRight<15>(bits), magnitude)); };
    const auto key_at = [&](const std::uint16_t* from) HWY_ATTR {
      const auto bits = hn::BitCast(di, hn::LoadU(d16, from + channel));
      const auto size = hn::And(bits, magnitude);
      const auto key = hn::IfThenZeroElse(hn::Eq(size, hn::Zero(di)), turned(bits));
      return hn::IfThenElse(hn::Gt(size, hn::Set(di, 0x7F80)), magnitude, key);
    };
    auto largest = key_at(first);
    auto where = hn::Zero(di);
    std::int16_t place = 0;
    for (std::int64_t row = 0; row < rows.pool[0]; ++row) {
      const std::uint16_t* from = first + static_cast<std::size_t>(row * rows.in[1]) * rows.channels;
      for (std::int64_t column = 0; column < rows.pool[1]; ++column, ++place, from += rows.channels) {
        const auto key = key_at(from);
        where = hn::IfThenElse(hn::Gt(key, largest), hn::Set(di, place), where);
        largest = hn::Max(largest, key);
      }
    }
    if (rows.relu) {
      where = hn::IfThenElse(hn::Gt(largest, hn::Zero(di)), where, hn::Set(di, WindowRows::kNoPlace));
      largest = hn::Max(largest, hn::Zero(di));
    }
    hn::StoreU(hn::BitCast(d16, turned(largest)), d16, to + channel);
    if (best != nullptr) {
      hn::StoreU(hn::DemoteTo(d8, where), d8, best + channel);
    }
  }
};

/// One window of floats that lies within the picture, whose places nobody asks for: a prediction's. `first` is its
/// first place. One picture's two poolings of the residual net take 2.4 and 2.1 microseconds, with places 3.3 and 2.9.
struct InnerMaximum {
  const WindowRows& rows;
  const float* first;
  float* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    auto largest = hn::LoadU(d, first + channel);
    for (std::int64_t row = 0; row < rows.pool[0]; ++row) {
      const float* from = first + static_cast<std::size_t>(row * rows.in[1]) * rows.channels + channel;
      for (std::int64_t column = 0; column < rows.pool[1]; ++column, from += rows.channels) {
        const auto value = hn::LoadU(d, from);
        const auto not_larger = hn::Or(hn::Le(value, largest), hn::IsNaN(largest));  // as Largest has it
        largest = hn::IfThenElse(not_larger, largest, value);
      }
    }
    if (rows.relu) {
      largest = hn::IfThenZeroElse(hn::Le(largest, hn::Zero(d)), largest);
    }
    hn::StoreU(largest, d, to + channel);
  }
};

/// Whether every window lies within the picture: no zeros before it, and the last window ends there.
HWY_INLINE bool are_inner(const WindowRows& rows) {
  const auto fits = [&](std::size_t axis) {
    return rows.pad[axis] == 0 && (rows.out[axis] - 1) * rows.strides[axis] + rows.pool[axis] <= rows.in[axis];
  };
  return fits(0) && fits(1);
}

/// Calls `body(first, at)` for the windows of lines [begin, end): their first number, and where their results begin.
template <class T, class F>
HWY_INLINE void for_inner_windows(const WindowRows& rows, std::int64_t begin, std::int64_t end, const F& body) {
  for (std::int64_t line = begin; line < end; ++line) {
    const std::int64_t row = line / rows.out[0] * rows.in[0] + line % rows.out[0] * rows.strides[0];
    const T* from = static_cast<const T*>(rows.input) + static_cast<std::size_t>(row * rows.in[1]) * rows.channels;
    for (std::int64_t window = 0; window < rows.out[1]; ++window) {
      body(from + static_cast<std::size_t>(window * rows.strides[1]) * rows.channels,
           static_cast<std::size_t>(line * rows.out[1] + window) * rows.channels);
    }
  }
}

// Each of the two is the loop over windows with its body inlined: [begin, end) are lines of windows.
inline void inner_max_pool_forward16(const WindowRows& rows, std::int64_t begin, std::int64_t end) {
  for_inner_windows<std::uint16_t>(rows, begin, end, [&](const std::uint16_t* first, std::size_t at) HWY_ATTR {
    for_each_vector16(rows.channels, InnerMaximum16{rows, first, static_cast<std::uint16_t*>(rows.output) + at,
                                                    rows.best == nullptr ? nullptr : rows.best + at});
  });
}

inline void inner_max_pool_forward(const WindowRows& rows, std::int64_t begin, std::int64_t end) {
  for_inner_windows<float>(rows, begin, end, [&](const float* first, std::size_t at) HWY_ATTR {
    for_each_channel_vector(rows.channels, InnerMaximum{rows, first, static_cast<float*>(rows.output) + at});
  });
}

/// One window of a tiling: its gradient goes to the place that won, zero to the others. `to` is the first of them.
/// Every input of a window is written, so that the gradient is not cleared by a pass of its own. kNoPlace is no place
/// of a window that has at most 255: then all get zero.
template <class T>
struct GiveToWinner {
  const WindowRows& rows;
  const T* output_grad;
  const std::uint8_t* best;
  T* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    const hn::Rebind<std::int32_t, D> di;
    const hn::Rebind<std::uint8_t, D> d8;
    const auto grad = load(d, output_grad + channel);
    const auto where = hn::PromoteTo(di, hn::LoadU(d8, best + channel));
    std::int32_t place = 0;
    for (std::int64_t row = 0; row < rows.pool[0]; ++row) {
      T* line = to + static_cast<std::size_t>(row * rows.in[1]) * rows.channels + channel;
      for (std::int64_t column = 0; column < rows.pool[1]; ++column, ++place, line += rows.channels) {
        const auto won = hn::Eq(where, hn::Set(di, place));
        store(d, hn::IfThenElseZero(hn::RebindMask(d, won), grad), line);
      }
    }
  }
};

/// As GiveToWinner, of bfloat16, whose numbers are passed on as they are.
struct GiveToWinner16 {
  const WindowRows& rows;
  const std::uint16_t* output_grad;
  const std::uint8_t* best;
  std::uint16_t* to;
  template <class D>
  HWY_INLINE void operator()(D d16, std::size_t channel) const {
    const hn::Rebind<std::uint8_t, D> d8;
    const auto grad = hn::LoadU(d16, output_grad + channel);
    const auto where = hn::PromoteTo(d16, hn::LoadU(d8, best + channel));
    std::uint16_t place = 0;
    for (std::int64_t row = 0; row < rows.pool[0]; ++row) {
      std::uint16_t* line = to + static_cast<std::size_t>(row * rows.in[1]) * rows.channels + channel;
      for (std::int64_t column = 0; column < rows.pool[1]; ++column, ++place, line += rows.channels) {
        hn::StoreU(hn::IfThenElseZero(hn::Eq(where, hn::Set(d16, place)), grad), d16, line);
      }
    }
  }
};

/// Of windows that lie side by side without padding: [begin, end) are lines of windows. Against the general loop it
/// divides nothing to find an input's windows, and reads each gradient once for all inputs of its window.
template <class T>
HWY_INLINE void max_pool_tiled_backward_of(const WindowRows& rows, std::int64_t begin, std::int64_t end) {
  const auto line_numbers = static_cast<std::size_t>(rows.in[1]) * rows.channels;
  const auto covered = static_cast<std::size_t>(rows.out[1] * rows.pool[1]) * rows.channels;
  for (std::int64_t line = begin; line < end; ++line) {
    const std::int64_t picture = line / rows.out[0];
    const std::int64_t window_y = line % rows.out[0];
    T* to = static_cast<T*>(rows.input_grad) +
            static_cast<std::size_t>(picture * rows.in[0] + window_y * rows.pool[0]) * line_numbers;
    for (std::int64_t window_x = 0; window_x < rows.out[1]; ++window_x) {
      const std::size_t at = static_cast<std::size_t>(line * rows.out[1] + window_x) * rows.channels;
      const T* grad = static_cast<const T*>(rows.output_grad) + at;
      T* first = to + static_cast<std::size_t>(window_x * rows.pool[1]) * rows.channels;
      if constexpr (sizeof(T) == sizeof(std::uint16_t)) {
        for_each_vector16(rows.channels, GiveToWinner16{rows, grad, rows.best + at, first});
      } else {
        for_each_channel_vector(rows.channels, GiveToWinner<T>{rows, grad, rows.best + at, first});
      }
    }
    // What no window covers: the end of each line, and the lines below the last windows. It passed nothing on, and its
    // gradient is zero, written by the thread whose windows are beside it.
    const bool last = window_y + 1 == rows.out[0];
    const std::int64_t lines = last ? rows.in[0] - window_y * rows.pool[0] : rows.pool[0];
    for (std::int64_t row = 0; row < lines; ++row) {
      const std::size_t from = row < rows.pool[0] ? covered : 0;
      std::memset(to + static_cast<std::size_t>(row) * line_numbers + from, 0, (line_numbers - from) * sizeof(T));
    }
  }
}

}  // namespace

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
