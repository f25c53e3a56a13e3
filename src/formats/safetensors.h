#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace lapel::formats {

/// One tensor of floats to be written: numbers in row-major order.
struct TensorView {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<const float> values;
};

struct Tensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// A safetensors file (https://github.com/huggingface/safetensors, README "Format"): u64 little-endian header
/// length, JSON header, bytes. Tensors in the order of their place in the file.
struct SafeTensors {
  std::map<std::string, std::string> metadata;  ///< `__metadata__`
  std::vector<Tensor> tensors;
};

/// Reads a file of F32 (or BF16, F16, F64: converted) tensors. Checks everything the format demands: header length
/// (at most 100,000,000 and within the file), JSON, no duplicate keys, dtype, shape against data_offsets, no holes
/// and no overlap, string-only metadata. Throws Error (kIo; kModelFile) with the file, the tensor and the numbers.
[[nodiscard]] SafeTensors read_safetensors(const std::filesystem::path& file);

/// Writes F32 tensors in the order given, header padded with spaces to 8 bytes, atomically. The same input gives the
/// same bytes. Throws Error (kIo), and (kUsage) for duplicate names or a shape that does not fit its values.
void write_safetensors(const std::filesystem::path& file, const std::map<std::string, std::string>& metadata,
                       std::span<const TensorView> tensors);

}  // namespace lapel::formats
