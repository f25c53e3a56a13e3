#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// The arguments of the Highway code of this room. They are not in the files that use them, because those are compiled
/// once for each instruction set.
namespace lapel::kernels {

/// Of global_pool.cpp: pictures of `places` vectors of `channels` numbers.
struct PoolRows {
  bool maximum = false;
  std::size_t places = 0;
  std::size_t channels = 0;
  const void* input = nullptr;
  void* output = nullptr;
  const void* output_grad = nullptr;
  void* input_grad = nullptr;
  std::int32_t* best = nullptr;  ///< Of a maximum in training: the place of each, a row of channels a picture.
};

/// Of max_pool.cpp: windows over pictures of vectors of `channels` numbers. Of each pair the first is of the height.
struct WindowRows {
  std::size_t channels = 0;
  std::array<std::int64_t, 2> in{};
  std::array<std::int64_t, 2> out{};
  std::array<std::int64_t, 2> pool{};
  std::array<std::int64_t, 2> strides{};
  std::array<std::int64_t, 2> pad{};  ///< At the top and at the left.
  const void* input = nullptr;
  void* output = nullptr;
  const void* output_grad = nullptr;
  void* input_grad = nullptr;
  bool relu = false;
  /// In training: the place in its window of each maximum (row by row, from 0), as the output lies; kNoPlace behind a
  /// relu that passed nothing. So backward reads a byte for each output and no input: the input's memory is free by
  /// then. Kept places are also what makes backward agree with forward where several numbers are the largest.
  std::uint8_t* best = nullptr;
  static constexpr std::int32_t kNoPlace = 255;
};

}  // namespace lapel::kernels
