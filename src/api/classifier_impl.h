#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "lapel/classifier.h"
#include "plan/network.h"
#include "store/model_file.h"

namespace lapel {

/// A model file's content and, from the first use on, a network that holds its weights.
struct Classifier::Impl {
  /// Enough rows that products run at full speed, few enough that activations stay near the cache.
  static constexpr std::int64_t kPredictBatch = 256;

  Impl(store::ModelFile content, int thread_count);

  /// Takes the weights of another file of the same model.
  void replace(store::ModelFile content);
  /// Takes another model.
  void start_again(store::ModelFile content);

  /// Makes the network, for batches of at most so many pictures.
  void make_network(std::int64_t batch);
  /// Probabilities of `count` pictures at `pixels`.
  void predict(const std::uint8_t* pixels, std::int64_t count, std::span<float> probabilities);
  /// Of pictures `first` to `first + count`; see Classifier::evaluate.
  [[nodiscard]] Evaluation evaluate(const LabeledPictures& pictures, std::int64_t first, std::int64_t count,
                                    const std::string& split);

  store::ModelFile file;
  std::optional<DataSpec> trained_on;  ///< Of the recipe that it was trained by; nothing where it was loaded.
  std::filesystem::path recipe;        ///< Of the run folder that it was loaded from; else empty.
  int threads;
  kernels::Dtype dtype;                  ///< In which it computes.
  std::optional<plan::Network> network;  ///< With frozen weights.

 private:
  void set_weights();
};

}  // namespace lapel
