#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "lapel/data.h"
#include "model/model.h"

namespace lapel::store {

/// How pictures become the model's input: 8-bit values of this size, times `scale`; and over which views of a picture
/// the answers are averaged (model/views.h).
struct Preprocessing {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;
  double scale = 1.0 / 255.0;
  std::string test_time_augmentation = "none";
  std::string fit = "stretch";  ///< As PictureFormat has them.
  std::string background = "black";
};

/// The content of `model.safetensors` (docs/model-file.md): tensors under Keras's names (`dense/kernel`) in Keras's
/// layouts; in `__metadata__` the keys `lapel.format`, `lapel.version`, `lapel.model`, `lapel.classes`,
/// `lapel.preprocessing`; `lapel.data_source` where the data set has a known name, and `lapel.data_split` where there
/// was one, and `lapel.precision` where it was not float32.
struct ModelFile {
  model::Model model;
  std::vector<std::string> class_names;
  Preprocessing preprocessing;
  std::string data_source;  ///< A known name (`fashion-mnist`), or empty. Never a path: it would tell of one machine.
  double test_split = 0;    ///< With the seed: what part of the source was kept for testing (DataSpec).
  std::int64_t split_seed = 1;
  std::vector<formats::Tensor> tensors;  ///< Every parameter of the model, in its order.
  std::string precision = "float32";     ///< Of the training: `float32` or `bfloat16`.
};

/// The keys of a file's `__metadata__` with their values, but for the checksum.
[[nodiscard]] std::map<std::string, std::string> metadata_of(const ModelFile& content);

/// Atomically. The same content gives the same bytes.
void write_model_file(const std::filesystem::path& file, const ModelFile& content);

/// Reads and checks: metadata there and of a format this version knows, every parameter of the model there with its
/// shape, none beyond. Throws Error (kIo, kModelFile) with the file, the tensor and both shapes.
[[nodiscard]] ModelFile read_model_file(const std::filesystem::path& file);

/// The weights of `model` from any safetensors file with tensors under Keras's names (`dense/kernel`), in Keras's
/// layouts, in the model's order. Throws Error (kIo, kModelFile) with the file, the tensor and both shapes for one that
/// is missing, belongs to no layer, or has another shape.
[[nodiscard]] std::vector<formats::Tensor> read_weights(const std::filesystem::path& file, const model::Model& model);

}  // namespace lapel::store
