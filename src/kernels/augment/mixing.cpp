#include "kernels/augment/mixing.h"

#include "kernels/augment/augment.h"
#include "kernels/augment/augmentation.h"
#include "kernels/simd/simd_operator.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/augment/mixing.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/simd/vectors_inl.h"

HWY_BEFORE_NAMESPACE();
namespace lapel::kernels::HWY_NAMESPACE {

namespace {

/// w own + (1 - w) other, in float; the second product is rounded, the first is not. Row by row, as weights are.
template <class T>
struct Mix {
  const T* own;
  const T* other;
  float weight;
  T* to;
  template <class D>
  HWY_INLINE void operator()(D d, std::size_t i) const {
    const auto share = hn::Mul(load(d, other + i), hn::Set(d, 1 - weight));
    store(d, hn::MulAdd(load(d, own + i), hn::Set(d, weight), share), to + i);
  }
};

}  // namespace

void mix_rows(Dtype dtype, const void* own, const void* other, float weight, std::size_t count, void* to) {
  if (dtype == Dtype::kFloat32) {
    for_each_vector(
        0, count,
        Mix<float>{static_cast<const float*>(own), static_cast<const float*>(other), weight, static_cast<float*>(to)});
  } else {
    for_each_vector(0, count,
                    Mix<std::uint16_t>{static_cast<const std::uint16_t*>(own), static_cast<const std::uint16_t*>(other),
                                       weight, static_cast<std::uint16_t*>(to)});
  }
}

}  // namespace lapel::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <cstring>

namespace lapel::kernels {

namespace {

HWY_EXPORT(mix_rows);

/// What the operators share that mix a row with its partner. Rows are read from the input and written to the output, so
/// that a row is still whole when it is another one's partner.
class MixOperator : public SimdOperator {
 public:
  MixOperator(std::int64_t size, std::uint32_t unit, const BuildOptions& options)
      : SimdOperator(options), size_(size), unit_(unit) {}

  void forward(const StepState& state) override {
    if (!state.training) {
      copy(binding().inputs.at(0), binding().output, options().batch * size_);
      return;
    }
    check_samples(state);
    const std::int64_t distance = partner_distance(state, unit_);
    parallel_rows(options().batch, size_, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        mix(random_of_row(state, unit_, row), input_row(row), input_row(partner_of(row, distance, options().batch)),
            static_cast<std::byte*>(binding().output) + row * row_bytes());
      }
    });
  }
  void backward(const StepState& /*state*/) override {}

 protected:
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] std::int64_t row_bytes() const {
    return size_ * static_cast<std::int64_t>(dtype_bytes(options().dtype));
  }

 private:
  virtual void mix(const RandomStream& random, const std::byte* own, const std::byte* partner, std::byte* to) const = 0;
  [[nodiscard]] const std::byte* input_row(std::int64_t row) const {
    return static_cast<const std::byte*>(binding().inputs.at(0)) + row * row_bytes();
  }

  std::int64_t size_;
  std::uint32_t unit_;
};

class MixUpOperator final : public MixOperator {
 public:
  MixUpOperator(const MixUpOp& op, const BuildOptions& options) : MixOperator(op.size, op.unit, options), op_(op) {}

 private:
  void mix(const RandomStream& random, const std::byte* own, const std::byte* partner, std::byte* to) const override {
    HWY_DYNAMIC_DISPATCH(mix_rows)
    (options().dtype, own, partner, draw_mix_up(op_, random), static_cast<std::size_t>(size()), to);
  }

  MixUpOp op_;
};

/// A copy, and a box of the partner over it: no arithmetic, so that both types are bytes.
class CutMixOperator final : public MixOperator {
 public:
  CutMixOperator(const CutMixOp& op, const BuildOptions& options)
      : MixOperator(op.in.size(), op.unit, options), op_(op) {}

  [[nodiscard]] std::string implementation() const override { return "rows"; }

 private:
  void mix(const RandomStream& random, const std::byte* own, const std::byte* partner, std::byte* to) const override {
    std::memcpy(to, own, static_cast<std::size_t>(row_bytes()));
    const Box box = draw_cut_mix(op_, random);
    const std::int64_t place = row_bytes() / (op_.in.height * op_.in.width);
    for (std::int64_t y = box.top; y < box.bottom; ++y) {
      const std::int64_t first = (y * op_.in.width + box.left) * place;
      std::memcpy(to + first, partner + first, static_cast<std::size_t>((box.right - box.left) * place));
    }
  }

  CutMixOp op_;
};

/// The weight that a row keeps of its own target: drawn again from the same stream as the pictures', so that nothing
/// has to be handed on from the operator to the loss.
struct OwnWeight {
  const StepState& state;
  std::int64_t row;

  float operator()(const MixUpOp& op) const { return draw_mix_up(op, random_of_row(state, op.unit, row)); }
  float operator()(const CutMixOp& op) const {
    const Box box = draw_cut_mix(op, random_of_row(state, op.unit, row));
    return 1 - static_cast<float>(box.places()) / static_cast<float>(op.in.height * op.in.width);
  }
  template <class Other>
  float operator()(const Other& /*op*/) const {
    return 1;
  }
};

}  // namespace

bool mixes_targets(const Op& op) { return std::holds_alternative<MixUpOp>(op) || std::holds_alternative<CutMixOp>(op); }

void mix_targets(const Op& op, const StepState& state, std::int64_t classes, std::span<const float> from,
                 std::span<float> to) {
  Op copy = op;
  const std::int64_t distance = partner_distance(state, *random_unit(copy));
  const auto rows = static_cast<std::int64_t>(state.samples.size());
  constexpr std::int64_t kDrawNumbers = 256;  // A draw takes as long as so many numbers.
  parallel_rows(rows, kDrawNumbers, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float weight = std::visit(OwnWeight{state, row}, op);
      const float* const own = from.data() + row * classes;
      const float* const other = from.data() + partner_of(row, distance, rows) * classes;
      for (std::int64_t k = 0; k < classes; ++k) {
        to[static_cast<std::size_t>(row * classes + k)] = weight * own[k] + (1 - weight) * other[k];
      }
    }
  });
}

std::unique_ptr<Operator> make_mix_up_operator(const MixUpOp& op, const BuildOptions& options) {
  return std::make_unique<MixUpOperator>(op, options);
}

std::unique_ptr<Operator> make_cut_mix_operator(const CutMixOp& op, const BuildOptions& options) {
  return std::make_unique<CutMixOperator>(op, options);
}

}  // namespace lapel::kernels

#endif  // HWY_ONCE
