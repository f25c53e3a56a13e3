#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "api/network_pool.h"
#include "lapel/classifier.h"
#include "store/model_file.h"

namespace lapel {

/// What one classifier is. Copies share a model file's content, which nobody changes, and the networks that hold its
/// weights; each has settings of its own.
struct Classifier::Impl {
  /// Enough rows that products run at full speed, few enough that activations stay near the cache.
  static constexpr std::int64_t kPredictBatch = 256;

  Impl(store::ModelFile content, int thread_count);

  /// Takes the weights of another file of the same model. Not where there are copies.
  void replace(store::ModelFile content);
  /// Takes another model.
  void start_again(store::ModelFile content);
  /// Computes in another number type from now on.
  void use(kernels::Dtype precision);

  [[nodiscard]] const store::ModelFile& file() const { return *content; }
  [[nodiscard]] std::int64_t classes() const { return static_cast<std::int64_t>(content->class_names.size()); }

  /// Probabilities of `count` pictures at `pixels`.
  void predict(const std::uint8_t* pixels, std::int64_t count, std::span<float> probabilities) const;
  /// Of pictures `first` to `first + count`; see Classifier::evaluate.
  [[nodiscard]] Evaluation evaluate(const LabeledPictures& pictures, std::int64_t first, std::int64_t count,
                                    const std::string& split) const;

  std::shared_ptr<const store::ModelFile> content;
  std::string views;                   ///< Test-time augmentation: the file's, until another one is chosen.
  std::optional<DataSpec> trained_on;  ///< Of the recipe that it was trained by; nothing where it was loaded.
  std::filesystem::path recipe;        ///< Of the run folder that it was loaded from; else empty.
  int threads;
  kernels::Dtype dtype;                   ///< In which it computes.
  std::shared_ptr<NetworkPool> networks;  ///< Of `content` and `dtype`.
};

}  // namespace lapel
