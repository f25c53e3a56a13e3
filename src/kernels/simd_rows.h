#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu.h"
#include "kernels/ops.h"

/// The arguments of Highway code. They are here, not in the files that use them, because those are compiled once for
/// each instruction set.
namespace lapel::kernels {

/// Of loss.cpp. One of `labels` and `targets` is null; `grad` may be.
struct LossRows {
  Dtype dtype = Dtype::kFloat32;
  const void* logits = nullptr;
  const std::uint16_t* labels = nullptr;
  const float* targets = nullptr;
  std::size_t classes = 0;
  float label_smoothing = 0;
  float grad_scale = 1;
  void* grad = nullptr;
};

/// Of dropout.cpp. Where Philox's numbers for one row are: the last three words of the counter (the first counts
/// blocks of four numbers), and the key.
struct PhiloxAddress {
  std::array<std::uint32_t, 3> counter{};
  std::array<std::uint32_t, 2> key{};
};

/// Of global_pool.cpp. Pictures of `places` vectors of `channels` numbers.
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
  /// In training: the place in its window of each maximum, as the output lies; kNoPlace behind a relu that passed
  /// nothing.
  std::uint8_t* best = nullptr;
  static constexpr std::int32_t kNoPlace = 255;
};

/// Of conv_pool.cpp: a 3x3 convolution of pictures with zeros around them, and the maxima of windows of 2x2.
struct ConvPoolRows {
  std::size_t in_channels = 0;
  std::size_t channels = 0;
  std::size_t line = 0;                  ///< Numbers of a line of the picture, zeros included.
  std::array<std::size_t, 2> windows{};  ///< High, wide.
  bool relu = false;
  /// A row of channels for each place and input channel, 9 in_channels: of pictures of floats.
  const float* kernel = nullptr;
  /// The same for pictures of bfloat16: the 3 in_channels numbers of each of the window's lines in pairs, the first in
  /// the lower half of a word; the last one alone where they are odd, with zero. Null: `kernel` is used.
  const float* pairs = nullptr;
  const float* bias = nullptr;  ///< May be null.
};

/// Of muon_tiles.cpp: numbers of a weight that are neighbours, in memory from `at` on and in a matrix of a row for each
/// of its inputs from `to` on.
struct MuonTile {
  std::uint32_t at;
  std::uint32_t to;
};

/// Of muon_tiles.cpp: a weight as tiles of `width` columns, and what an update does with it (muon.h).
struct MuonRows {
  const MuonTile* tiles = nullptr;
  std::size_t width = 1;  ///< 16, 8 or 1.
  /// Each tile is of two rows whose numbers alternate in memory; else of one.
  bool pairs = false;
  std::size_t columns = 0;
  float momentum = 0;
  bool nesterov = false;
  float keep = 1;
  float rate = 0;
  float* weights = nullptr;
  const float* grads = nullptr;
  float* state = nullptr;
  std::uint16_t* low = nullptr;       ///< The weights as bfloat16; may be null.
  float* direction = nullptr;         ///< The matrix that is written.
  const float* orthogonal = nullptr;  ///< The one that is read.
};

/// Of batch_norm.cpp. Rows of `channels` numbers, and factors for each channel.
struct NormRows {
  std::size_t channels = 0;
  bool rounds_bfloat16 = false;  ///< The CPU has RoundedBfloat16.
  ActivationKind activation = ActivationKind::kLinear;
  const void* input = nullptr;
  void* output = nullptr;
  const void* output_grad = nullptr;
  void* input_grad = nullptr;
  const float* mean = nullptr;
  const float* factor = nullptr;  ///< output = (input - mean) factor + shift
  const float* shift = nullptr;
  const float* grad_slope = nullptr;  ///< input_grad = output_grad factor + (input - mean) grad_slope + grad_shift
  const float* grad_shift = nullptr;
};

/// Of affine.cpp: number i of an output line comes from the place start + places[i] step of the wide picture `from`, in
/// 1/65536 of a pixel, and its channel channel_of[i].
struct AffineLine {
  const float* from = nullptr;
  const std::int32_t* places = nullptr;
  const std::int32_t* channel_of = nullptr;
  std::size_t count = 0;
  bool bilinear = true;
  std::int32_t channels = 1;
  std::int32_t row_numbers = 0;  ///< Of the wide picture.
  std::int32_t start_x = 0, start_y = 0;
  std::int32_t step_x = 0, step_y = 0;
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
