#include "kernels/weight_layout.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "kernels/onednn/layout.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

/// For each dimension of oneDNN's order, its place in Keras's shape.
std::vector<std::size_t> keras_axes(const std::vector<std::int64_t>& shape) {
  switch (shape.size()) {
    case 1:
      return {0};
    case 2:
      return {1, 0};
    case 4:
      return {3, 2, 0, 1};
    default:
      throw Error(ErrorKind::kInternal, "weights", "a weight has 1, 2 or 4 dimensions",
                  {{"shape", fmt::format("[{}]", fmt::join(shape, ", "))}});
  }
}

std::int64_t product(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

/// What index `position` along dimension `axis` adds to the place in memory: places of dimensions add up.
std::int64_t place_along(const Blocking& blocking, std::int64_t axis, std::int64_t position) {
  std::int64_t place = 0;
  std::int64_t inner_stride = 1;
  for (std::size_t i = blocking.inner_blocks.size(); i-- > 0;) {
    const std::int64_t block = blocking.inner_blocks[i];
    if (blocking.inner_axes[i] == axis) {
      place += position % block * inner_stride;
      position /= block;
    }
    inner_stride *= block;
  }
  return place + position * blocking.strides[static_cast<std::size_t>(axis)];
}

std::array<std::vector<std::int64_t>, 4> places_of(const WeightLayout::Impl& impl) {
  const Blocking blocking = blocking_of(impl.desc);
  const auto axes = keras_axes(impl.shape);
  std::array<std::vector<std::int64_t>, 4> places;
  places.fill({0});
  const std::size_t missing = 4 - impl.shape.size();
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    auto& along = places[missing + axes[axis]];
    along.resize(static_cast<std::size_t>(impl.shape[axes[axis]]));
    for (std::size_t i = 0; i < along.size(); ++i) {
      along[i] = place_along(blocking, static_cast<std::int64_t>(axis), static_cast<std::int64_t>(i));
    }
  }
  return places;
}

/// Calls `visit(plain, packed)` with the place of every weight in both orders.
template <class Visit>
void for_each_weight(const WeightLayout::Impl& impl, const Visit& visit) {
  const auto places = places_of(impl);
  std::size_t plain = 0;
  for (const auto a : places[0]) {
    for (const auto b : places[1]) {
      for (const auto c : places[2]) {
        for (const auto d : places[3]) {
          visit(plain++, static_cast<std::size_t>(a + b + c + d));
        }
      }
    }
  }
}

void check_lengths(const WeightLayout& layout, std::size_t plain, std::size_t packed) {
  if (static_cast<std::int64_t>(plain) != layout.size() || static_cast<std::int64_t>(packed) != layout.packed_size()) {
    throw Error(ErrorKind::kInternal, "weights", "lengths do not fit the layout",
                {{"shape", fmt::format("[{}]", fmt::join(layout.shape(), ", "))},
                 {"plain", fmt::format("{}, not {}", plain, layout.size())},
                 {"packed", fmt::format("{}, not {}", packed, layout.packed_size())}});
  }
}

}  // namespace

WeightLayout layout_from(const MemoryDesc& desc, std::vector<std::int64_t> shape) {
  auto impl = std::make_shared<WeightLayout::Impl>();
  impl->desc = with_type(desc, dnnl::memory::data_type::f32);
  const Blocking blocking = blocking_of(impl->desc);
  const auto axes = keras_axes(shape);
  bool fits = blocking.dims.size() == shape.size();
  for (std::size_t axis = 0; fits && axis < axes.size(); ++axis) {
    fits = blocking.dims[axis] == shape[axes[axis]];
  }
  if (!fits) {
    throw Error(ErrorKind::kInternal, "weights", "a layout of another shape",
                {{"shape", fmt::format("[{}]", fmt::join(shape, ", "))},
                 {"layout", fmt::format("[{}]", fmt::join(blocking.dims, ", "))}});
  }
  impl->shape = std::move(shape);
  return WeightLayout(std::move(impl));
}

std::array<std::vector<std::int64_t>, 4> places_of(const WeightLayout& layout) { return places_of(layout.impl()); }

WeightLayout WeightLayout::plain(std::vector<std::int64_t> shape) {
  const auto axes = keras_axes(shape);
  Dims dims(shape.size());
  Dims strides(shape.size());
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    dims[axis] = shape[axes[axis]];
    const auto after = shape.begin() + static_cast<std::ptrdiff_t>(axes[axis]) + 1;
    strides[axis] = std::accumulate(after, shape.end(), std::int64_t{1}, std::multiplies<>());
  }
  return layout_from(MemoryDesc(dims, dnnl::memory::data_type::f32, strides), std::move(shape));
}

const std::vector<std::int64_t>& WeightLayout::shape() const { return impl_->shape; }

std::int64_t WeightLayout::size() const { return product(impl_->shape); }

std::int64_t WeightLayout::packed_size() const {
  return static_cast<std::int64_t>(impl_->desc.get_size() / sizeof(float));
}

void WeightLayout::pack(std::span<const float> plain, std::span<float> packed) const {
  check_lengths(*this, plain.size(), packed.size());
  pack(
      [&](std::size_t first, std::span<float> numbers) { std::copy_n(&plain[first], numbers.size(), numbers.begin()); },
      packed);
}

void WeightLayout::pack(const std::function<void(std::size_t first, std::span<float> numbers)>& make,
                        std::span<float> packed) const {
  check_lengths(*this, static_cast<std::size_t>(size()), packed.size());
  std::fill(packed.begin(), packed.end(), 0.0F);
  const auto places = places_of(*impl_);
  std::vector<float> row(places[3].size());
  std::size_t first = 0;
  for (const auto a : places[0]) {
    for (const auto b : places[1]) {
      for (const auto c : places[2]) {
        make(first, row);
        for (std::size_t i = 0; i < row.size(); ++i) {
          packed[static_cast<std::size_t>(a + b + c + places[3][i])] = row[i];
        }
        first += row.size();
      }
    }
  }
}

void WeightLayout::unpack(std::span<const float> packed, std::span<float> plain) const {
  check_lengths(*this, plain.size(), packed.size());
  for_each_weight(*impl_, [&](std::size_t to, std::size_t from) { plain[to] = packed[from]; });
}

std::vector<std::uint32_t> WeightLayout::positions() const {
  std::vector<std::uint32_t> result(static_cast<std::size_t>(size()));
  for_each_weight(*impl_,
                  [&](std::size_t plain, std::size_t packed) { result[plain] = static_cast<std::uint32_t>(packed); });
  return result;
}

bool WeightLayout::operator==(const WeightLayout& other) const {
  return impl_ == other.impl_ || (impl_->shape == other.impl_->shape && impl_->desc == other.impl_->desc);
}

}  // namespace lapel::kernels
