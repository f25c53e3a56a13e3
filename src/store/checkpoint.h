#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "lapel/callback.h"
#include "lapel/data.h"

namespace lapel::store {

/// A member of an ensemble whose training is over.
struct FinishedMember {
  std::int64_t steps = 0;
  std::int64_t epochs = 0;
  double seconds = 0;      ///< Of training.
  std::string stopped_by;  ///< The reason of the callback that ended it, or nothing.
};

/// All that a training needs to go on as if it had never been stopped (docs/run-folder.md, `checkpoints/`): random
/// numbers are functions of seed, epoch and sample, so that there is no state of theirs.
struct Checkpoint {
  std::string recipe;                    ///< As write_recipe gives it, without the place of the data.
  std::uint32_t data_checksum = 0;       ///< Of the training pictures and labels.
  std::vector<FinishedMember> finished;  ///< Of the ensemble; what follows is of the member in training.
  std::int64_t steps = 0;                ///< Done, over all epochs.
  std::int64_t epoch = 1;                ///< In which the next step is.
  std::int64_t epoch_steps = 0;          ///< Of it that are done.
  double loss_sum = 0;                   ///< Over the samples of these.
  std::int64_t correct = 0;
  double epoch_seconds = 0;
  double seconds = 0;  ///< Of training so far.
  /// Of the optimizer, where callbacks may have changed it; checkpoints of older versions have none.
  std::optional<double> learning_rate;
  std::string stopped_by;                ///< The reason of the callback that ended the training, or nothing.
  std::vector<CallbackState> callbacks;  ///< In the order in which they are called.
  double elapsed = 0;                    ///< Since the process started; of all processes that worked on this run.
  std::vector<EpochResult> history;      ///< Of all members.
  /// Under Keras's names with a prefix, `weight/dense/kernel`, `optimizer_0/dense/kernel`, `mean/...`, `slow/...`, in
  /// Keras's layouts; of finished members `finished/member_1/dense/kernel`.
  std::vector<formats::Tensor> tensors;
};

/// Checkpoints of a run folder that are kept: the last one, and one in case that it is damaged.
inline constexpr std::size_t kCheckpointsKept = 2;

/// Writes `checkpoints/step-000001234.safetensors` (steps of all members) in the run folder, atomically, then removes
/// all but the last two. Throws Error (kIo); what was there stays.
void write_checkpoint(const std::filesystem::path& run, const Checkpoint& checkpoint);

/// The last checkpoint of a run folder. Throws Error (kUsage) where there is none, (kModelFile) where it is damaged,
/// which a checksum over all of it tells, (kIo) where it cannot be read.
[[nodiscard]] Checkpoint read_last_checkpoint(const std::filesystem::path& run);

/// Whether a run folder has any, whole or not.
[[nodiscard]] bool has_checkpoint(const std::filesystem::path& run);

/// Removes all of them.
void remove_checkpoints(const std::filesystem::path& run) noexcept;

/// CRC-32 over all bytes of the training pictures and labels.
[[nodiscard]] std::uint32_t checksum_of(const LabeledPictures& pictures);

}  // namespace lapel::store
