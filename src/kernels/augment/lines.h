#pragma once

#include <cstddef>
#include <cstdint>

/// The arguments of the Highway code of this room. They are not in the files that use them, because those are compiled
/// once for each instruction set.
namespace lapel::kernels {

/// Of affine.cpp: number i of an output line comes from the place start + places[i] stride of the wide picture `from`,
/// in 1/65536 of a pixel, and its channel channel_of[i].
/// Bounds are the caller's: all places, and their neighbours to the right and below, are within `from`.
struct AffineLine {
  const float* from = nullptr;
  const std::int32_t* places = nullptr;      ///< For `count` numbers and a vector more,
  const std::int32_t* channel_of = nullptr;  ///< so that the last vector is whole.
  std::size_t count = 0;
  bool bilinear = true;
  std::int32_t channels = 1;
  std::int32_t row_numbers = 0;  ///< Of the wide picture.
  std::int32_t start_x = 0, start_y = 0;
  std::int32_t stride_x = 0, stride_y = 0;
};

/// Of translation.cpp: number i becomes the mean of number i of the lines `here` and `below` and of those `channels`
/// places after them, each by its share.
struct NeighbourLine {
  const void* here = nullptr;
  const void* below = nullptr;
  void* to = nullptr;
  std::size_t count = 0;
  std::size_t channels = 1;
  float right_share = 0;
  float down_share = 0;
};

}  // namespace lapel::kernels
