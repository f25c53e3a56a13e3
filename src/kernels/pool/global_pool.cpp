#include "kernels/pool/pool.h"
#include "kernels/simd/simd_operator.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/pool/global_pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/pool/rows.h"
#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// One picture of `places` vectors of `channels` numbers; each body works on some channels over all places. The sum is
/// a vector in a register: it needs no sum over lanes, and each lane is added in the order of the places. A picture has
/// few places here, the last ones of a net, so that float is enough.
template <class T>
struct Mean {
  const T* from;
  std::size_t places;
  std::size_t channels;
  T* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    auto sum = hn::Zero(d);
    for (std::size_t place = 0; place < places; ++place) {
      sum = hn::Add(sum, load(d, from + place * channels + channel));
    }
    store(d, hn::Div(sum, hn::Set(d, static_cast<float>(places))), to + channel);
  }
};

/// The same share for every place: a gradient of batch x c becomes one of batch x h x w x c.
template <class T>
struct MeanBackward {
  const T* output_grad;
  std::size_t places;
  std::size_t channels;
  T* input_grad;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    const auto share = hn::Div(load(d, output_grad + channel), hn::Set(d, static_cast<float>(places)));
    for (std::size_t place = 0; place < places; ++place) {
      store(d, share, input_grad + place * channels + channel);
    }
  }
};

/// `best` (may be null) receives the place of the first maximum, or of the first NaN. Four bytes, as a picture may have
/// more places than a byte tells apart.
template <class T>
struct Maximum {
  const T* from;
  std::size_t places;
  std::size_t channels;
  T* to;
  std::int32_t* best;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    const hn::Rebind<std::int32_t, D> di;
    auto largest = load(d, from + channel);
    auto where = hn::Zero(di);
    for (std::size_t place = 1; place < places; ++place) {
      const auto value = load(d, from + place * channels + channel);
      const auto not_larger = hn::Or(hn::Le(value, largest), hn::IsNaN(largest));
      largest = hn::IfThenElse(not_larger, largest, value);
      where = hn::IfThenElse(hn::RebindMask(di, not_larger), where, hn::Set(di, static_cast<std::int32_t>(place)));
    }
    store(d, largest, to + channel);
    if (best != nullptr) {
      hn::StoreU(where, di, best + channel);
    }
  }
};

/// Every place is written, zero where it did not win: in one pass, by comparing its number with the winner's.
template <class T>
struct MaximumBackward {
  const T* output_grad;
  const std::int32_t* best;
  std::size_t places;
  std::size_t channels;
  T* input_grad;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t channel) const {
    const hn::Rebind<std::int32_t, D> di;
    const auto where = hn::LoadU(di, best + channel);
    const auto grad = load(d, output_grad + channel);
    for (std::size_t place = 0; place < places; ++place) {
      const auto here = hn::Eq(where, hn::Set(di, static_cast<std::int32_t>(place)));
      store(d, hn::IfThenElseZero(hn::RebindMask(d, here), grad), input_grad + place * channels + channel);
    }
  }
};

template <class T>
void pool_forward_of(const PoolRows& rows, std::size_t begin, std::size_t end) {
  for (std::size_t row = begin; row < end; ++row) {
    const T* from = static_cast<const T*>(rows.input) + row * rows.places * rows.channels;
    T* to = static_cast<T*>(rows.output) + row * rows.channels;
    if (rows.maximum) {
      std::int32_t* best = rows.best == nullptr ? nullptr : rows.best + row * rows.channels;
      for_each_channel_vector(rows.channels, Maximum<T>{from, rows.places, rows.channels, to, best});
    } else {
      for_each_channel_vector(rows.channels, Mean<T>{from, rows.places, rows.channels, to});
    }
  }
}

template <class T>
void pool_backward_of(const PoolRows& rows, std::size_t begin, std::size_t end) {
  for (std::size_t row = begin; row < end; ++row) {
    const T* output_grad = static_cast<const T*>(rows.output_grad) + row * rows.channels;
    T* input_grad = static_cast<T*>(rows.input_grad) + row * rows.places * rows.channels;
    if (rows.maximum) {
      for_each_channel_vector(rows.channels, MaximumBackward<T>{output_grad, rows.best + row * rows.channels,
                                                                rows.places, rows.channels, input_grad});
    } else {
      for_each_channel_vector(rows.channels, MeanBackward<T>{output_grad, rows.places, rows.channels, input_grad});
    }
  }
}

}  // namespace

void pool_forward(Dtype dtype, const PoolRows& rows, std::size_t begin, std::size_t end) {
  dtype == Dtype::kFloat32 ? pool_forward_of<float>(rows, begin, end)
                           : pool_forward_of<std::uint16_t>(rows, begin, end);
}

void pool_backward(Dtype dtype, const PoolRows& rows, std::size_t begin, std::size_t end) {
  dtype == Dtype::kFloat32 ? pool_backward_of<float>(rows, begin, end)
                           : pool_backward_of<std::uint16_t>(rows, begin, end);
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace lapel::kernels {

namespace {

HWY_EXPORT(pool_forward);
HWY_EXPORT(pool_backward);

/// Places of maxima are saved as indices of the picture; a mean saves nothing.
class GlobalPoolOperator final : public SimdOperator {
 public:
  GlobalPoolOperator(const GlobalPool2DOp& op, const BuildOptions& options) : SimdOperator(options), op_(op) {}

  [[nodiscard]] std::size_t saved_bytes() const override {
    const bool needed = options().training && op_.kind == Pool2DOp::Kind::kMax;
    return needed ? static_cast<std::size_t>(options().batch * op_.in.channels) * sizeof(std::int32_t) : 0;
  }

  void forward(const StepState& /*state*/) override {
    const PoolRows rows = pool_rows();
    over_rows([&](std::size_t begin, std::size_t end) {
      HWY_DYNAMIC_DISPATCH(pool_forward)(options().dtype, rows, begin, end);
    });
  }

  void backward(const StepState& /*state*/) override {
    const PoolRows rows = pool_rows();
    if (rows.input_grad == nullptr) {
      return;
    }
    over_rows([&](std::size_t begin, std::size_t end) {
      HWY_DYNAMIC_DISPATCH(pool_backward)(options().dtype, rows, begin, end);
    });
  }

 private:
  /// A picture is one thread's.
  template <class F>
  void over_rows(const F& body) const {
    parallel_rows(options().batch, op_.in.size(), [&](std::int64_t begin, std::int64_t end) {
      body(static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
    });
  }

  [[nodiscard]] PoolRows pool_rows() const {
    PoolRows rows;
    rows.maximum = op_.kind == Pool2DOp::Kind::kMax;
    rows.places = static_cast<std::size_t>(op_.in.height * op_.in.width);
    rows.channels = static_cast<std::size_t>(op_.in.channels);
    rows.input = binding().inputs.at(0);
    rows.output = binding().output;
    rows.output_grad = binding().output_grad;
    rows.input_grad = input_grad();
    rows.best = options().training ? static_cast<std::int32_t*>(binding().saved) : nullptr;
    return rows;
  }

  GlobalPool2DOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_global_pool_operator(const GlobalPool2DOp& op, const BuildOptions& options) {
  return std::make_unique<GlobalPoolOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
