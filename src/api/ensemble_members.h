#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "formats/safetensors.h"
#include "lapel/train.h"
#include "model/model.h"
#include "plan/network.h"
#include "store/checkpoint.h"
#include "train/loop.h"

namespace lapel {

/// The seed of a member (from 0) of an ensemble: the first one has the recipe's.
[[nodiscard]] std::int64_t member_seed(std::int64_t seed, std::size_t member);

/// Every parameter of a model, in its order, as zeros.
[[nodiscard]] std::vector<formats::Tensor> blank_tensors(const model::Model& model);

/// The members of an ensemble whose training is over: what they were, and their weights.
class FinishedMembers {
 public:
  [[nodiscard]] std::size_t count() const { return members_.size(); }
  /// Sums over the members; of reasons the last one.
  [[nodiscard]] store::FinishedMember total() const;
  [[nodiscard]] const std::vector<store::FinishedMember>& each() const { return members_; }

  void add(const plan::Network& network, const training::LoopResult& result);

  /// The epochs of all of them, counted on.
  [[nodiscard]] const std::vector<EpochResult>& history() const { return history_; }

  /// Adds them to a checkpoint of the member in training.
  void write_to(store::Checkpoint& checkpoint) const;
  /// Takes them out of such a checkpoint, which is left as its member's.
  void take_from(store::Checkpoint& checkpoint);

  /// Their weights as tensors of `ensemble`, which is model::ensemble_of so many members.
  [[nodiscard]] std::vector<formats::Tensor> tensors_of(const model::Model& ensemble) const;

 private:
  std::vector<store::FinishedMember> members_;
  std::vector<EpochResult> history_;
  std::vector<formats::Tensor> tensors_;
};

}  // namespace lapel
