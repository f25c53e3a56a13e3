#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lapel/data.h"
#include "lapel/metrics.h"
#include "lapel/summary.h"

namespace lapel {

class Classifier;
struct ExportResult;
struct ExportSettings;

/// One class with its probability.
struct ClassProbability {
  Label label = 0;
  std::string name;
  double probability = 0;
};

/// A trained model with all it needs to be used: classes and preprocessing. Copies share the weights, which nobody
/// changes; what `use_precision` and `use_test_time_augmentation` choose is each copy's own.
/// Any number of threads may call the const functions of one classifier, or of copies, at a time. A call has a network
/// of its own while it runs, with weights and activations; networks are kept, as many as there were calls at a time.
/// Each call uses the `threads` that the classifier was loaded with: load it with one thread for many callers.
class Classifier {
 public:
  struct Impl;

  /// From a run folder or a model file (`model.safetensors`). `threads` 0: all cores.
  /// Throws Error (kIo, kModelFile).
  [[nodiscard]] static Classifier load(const std::filesystem::path& run_or_model, int threads = 0);

  explicit Classifier(std::shared_ptr<Impl> impl);
  Classifier(const Classifier& other);
  Classifier& operator=(const Classifier& other);
  Classifier(Classifier&& other) noexcept = default;
  Classifier& operator=(Classifier&& other) noexcept = default;
  ~Classifier() = default;

  [[nodiscard]] const std::vector<std::string>& class_names() const;
  /// The size of the pictures it takes.
  [[nodiscard]] std::int64_t height() const;
  [[nodiscard]] std::int64_t width() const;
  [[nodiscard]] std::int64_t channels() const;
  /// The form to which pictures of any kind are brought for it, as in its training.
  [[nodiscard]] PictureFormat picture_format() const;
  /// How to read the data set it was trained on again; another one, with its `source` changed. A run folder's recipe
  /// says where that is, and how it was divided; a model file alone knows the names of known data sets only, else
  /// `source` is empty. Throws Error (kIo, kRecipe) for a run folder whose recipe cannot be read.
  [[nodiscard]] DataSpec data_spec() const;
  /// How to read other data: brought to the same form, and with nothing held out.
  [[nodiscard]] DataSpec other_data_spec(const std::string& source) const;
  [[nodiscard]] Summary summary() const;
  /// The number type that it computes in, "float32" or "bfloat16": that of the training, but float32 where this
  /// processor has no arithmetic in bfloat16.
  [[nodiscard]] std::string precision() const;
  /// Chooses it: "float32", "bfloat16" (imitated where the processor lacks it), or "auto", as it was trained. Throws
  /// Error (kUsage) for an unknown name.
  void use_precision(const std::string& precision);
  /// Over which views of a picture `predict` and `evaluate` average the model's answers, before the softmax: "none",
  /// as it is; "flip", it and its mirror image; "flip+shift", six: both, and both moved by a pixel up and left, and
  /// down and right (docs/augmentation.md). What the model was saved with.
  [[nodiscard]] const std::string& test_time_augmentation() const;
  /// Chooses another one. Throws Error (kUsage) for an unknown name.
  void use_test_time_augmentation(const std::string& name);

  /// What the chosen views show that the model's training did not, in words; empty: nothing.
  [[nodiscard]] std::string views_unknown_to_training() const;

  /// Probabilities, pictures x classes, row-major. Throws Error (kData) for pictures of another size, or with other
  /// pixels than `count` says; (kNumeric) for answers that are not numbers.
  [[nodiscard]] std::vector<float> predict(const Pictures& pictures) const;
  /// The `top_k` most probable classes of one row of probabilities, best first.
  [[nodiscard]] std::vector<ClassProbability> ranked(std::span<const float> probabilities, std::size_t top_k) const;
  /// Throws Error (kData) for pictures of another size or labels beyond the classes, and as `predict`.
  [[nodiscard]] Evaluation evaluate(const LabeledPictures& pictures, const std::string& split) const;

  /// Writes the model file, atomically.
  void save(const std::filesystem::path& model_file) const;

  /// lapel/interop.h
  friend ExportResult export_model(const Classifier& classifier, const std::filesystem::path& out,
                                   const ExportSettings& settings);

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace lapel
