#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace lapel::kernels {

/// How the numbers of one weight lie in memory: the order that a kernel reads fastest, perhaps with padding
/// (which holds zeros and stays zero under every optimizer). A value; cheap to copy.
///
/// The plain order is Keras's: dense kernel [in, out], conv kernel [h, w, in, out], bias [out], row-major.
class WeightLayout {
 public:
  struct Impl;

  /// The plain order itself.
  [[nodiscard]] static WeightLayout plain(std::vector<std::int64_t> shape);
  explicit WeightLayout(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  /// Keras's shape.
  [[nodiscard]] const std::vector<std::int64_t>& shape() const;
  /// Numbers in the plain order.
  [[nodiscard]] std::int64_t size() const;
  /// Numbers in this order, padding included.
  [[nodiscard]] std::int64_t packed_size() const;
  /// Plain order to this one; `packed` has packed_size() numbers.
  void pack(std::span<const float> plain, std::span<float> packed) const;
  /// The same of numbers that are made on the way: `make(first, numbers)` fills a row of the last dimension, whose
  /// first number is number `first` of the plain order.
  void pack(const std::function<void(std::size_t first, std::span<float> numbers)>& make,
            std::span<float> packed) const;
  void unpack(std::span<const float> packed, std::span<float> plain) const;

  /// Where each number of the plain order lies in this one.
  [[nodiscard]] std::vector<std::uint32_t> positions() const;

  bool operator==(const WeightLayout& other) const;

  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lapel::kernels
