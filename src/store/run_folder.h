#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "lapel/recipe.h"
#include "lapel/train.h"
#include "store/run_lock.h"

namespace lapel::store {

/// A run folder in the making. Every file is written atomically, so that a kill at any time leaves a folder whose
/// files are each whole: `recipe.toml` from the start, `history.csv` after each epoch, the rest at the end
/// (docs/run-folder.md).
class RunFolder {
 public:
  /// Makes the folder (and its parents), or takes an empty one, and holds it until the end. Throws Error (kUsage) where
  /// it holds something already, or another process has it, (kIo) where it cannot be made.
  explicit RunFolder(const std::filesystem::path& folder);
  /// The folder of a run that was begun. Throws Error (kUsage) where it is none, or another process trains in it.
  [[nodiscard]] static RunFolder open(const std::filesystem::path& folder);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path model_file() const { return path_ / "model.safetensors"; }
  [[nodiscard]] std::filesystem::path history_file() const { return path_ / "history.csv"; }

  void write_recipe(std::string_view toml) const;
  void write_metrics(std::string_view json) const;
  void write_report(std::string_view text) const;
  /// Rows are actual classes, columns predicted ones; names in the first row and column.
  void write_confusion(std::string_view csv) const;
  /// What the plots are drawn from.
  void write_plot_data(std::string_view json) const;
  /// Before a model is written that `metrics.json` is not of, so that no kill leaves the two side by side. Throws Error
  /// (kIo) where it is there and stays.
  void remove_metrics() const;
  /// After a training that failed: removes what was written, and the folder where this object made it. Does nothing in
  /// a folder that was opened, or that has a checkpoint. Returns whether it is as it was before this object.
  bool discard() const noexcept;

 private:
  struct Opened {};
  RunFolder(Opened /*tag*/, std::filesystem::path path) : path_(std::move(path)) {}

  enum class Origin { kMade, kTaken, kOpened };

  std::filesystem::path path_;
  Origin origin_ = Origin::kOpened;
  std::shared_ptr<RunLock> lock_;
};

/// The recipe of a run, with every option written out.
inline constexpr std::string_view kRecipeFile = "recipe.toml";

/// Throws Error (kUsage) where a folder in a run folder is a symbolic link, through which files would be written
/// elsewhere. Links to files are replaced by what is written.
void refuse_links(const std::filesystem::path& run);
/// Removes the temporary files in a run folder of writers that are no longer running.
void remove_leftovers(const std::filesystem::path& run);

/// What a run reached.
inline constexpr std::string_view kMetricsFile = "metrics.json";

/// Where a run folder keeps what its plots are drawn from.
inline constexpr std::string_view kPlotDataFile = "plots/data.json";

/// The `status` in a run's `metrics.json`; empty where there is none yet.
[[nodiscard]] std::string run_status(const std::filesystem::path& run);

/// The model file of a run folder, or the file itself. Throws Error (kIo) that says what is missing.
[[nodiscard]] std::filesystem::path find_model_file(const std::filesystem::path& run_or_model);

}  // namespace lapel::store
