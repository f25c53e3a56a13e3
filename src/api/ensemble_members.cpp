#include "api/ensemble_members.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "store/history.h"

namespace lapel {

namespace {

constexpr std::string_view kPrefix = "finished/";

}  // namespace

std::int64_t member_seed(std::int64_t seed, std::size_t member) {
  // Far from each other, so that the ensembles of neighbouring seeds have no member in common.
  constexpr std::uint64_t kDistance = std::uint64_t{1} << 32U;
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(seed) + kDistance * member);
}

std::vector<formats::Tensor> blank_tensors(const model::Model& model) {
  std::vector<formats::Tensor> tensors;
  for (const auto& node : model.nodes()) {
    for (const auto& parameter : node.parameters) {
      tensors.push_back({fmt::format("{}/{}", node.name, parameter.name), parameter.shape,
                         std::vector<float>(static_cast<std::size_t>(parameter.size()))});
    }
  }
  return tensors;
}

store::FinishedMember FinishedMembers::total() const {
  store::FinishedMember sum;
  for (const auto& member : members_) {
    sum.steps += member.steps;
    sum.epochs += member.epochs;
    sum.seconds += member.seconds;
    sum.stopped_by = member.stopped_by.empty() ? sum.stopped_by : member.stopped_by;
  }
  return sum;
}

void FinishedMembers::add(const plan::Network& network, const training::LoopResult& result) {
  history_ = store::continued(history_, result.history);
  members_.push_back(
      {result.steps, static_cast<std::int64_t>(result.history.size()), result.seconds, result.stopped_by});
  const auto& parameters = network.parameters();
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const auto& entry = parameters.entries()[i];
    tensors_.push_back({fmt::format("member_{}/{}", count(), entry.name), entry.spec.shape, parameters.get(i)});
  }
}

void FinishedMembers::write_to(store::Checkpoint& checkpoint) const {
  checkpoint.history = store::continued(history_, checkpoint.history);
  checkpoint.finished = members_;
  for (const auto& tensor : tensors_) {
    checkpoint.tensors.push_back({fmt::format("{}{}", kPrefix, tensor.name), tensor.shape, tensor.values});
  }
}

void FinishedMembers::take_from(store::Checkpoint& checkpoint) {
  members_ = std::exchange(checkpoint.finished, {});
  const auto epochs = std::min<std::ptrdiff_t>(total().epochs, std::ssize(checkpoint.history));
  history_.assign(checkpoint.history.begin(), checkpoint.history.begin() + epochs);
  checkpoint.history.erase(checkpoint.history.begin(), checkpoint.history.begin() + epochs);
  for (auto& epoch : checkpoint.history) {
    epoch.epoch -= epochs;
  }
  const auto first = std::stable_partition(checkpoint.tensors.begin(), checkpoint.tensors.end(),
                                           [](const auto& tensor) { return !tensor.name.starts_with(kPrefix); });
  tensors_.assign(std::make_move_iterator(first), std::make_move_iterator(checkpoint.tensors.end()));
  checkpoint.tensors.erase(first, checkpoint.tensors.end());
  for (auto& tensor : tensors_) {
    tensor.name.erase(0, kPrefix.size());
  }
}

std::vector<formats::Tensor> FinishedMembers::tensors_of(const model::Model& ensemble) const {
  std::vector<formats::Tensor> tensors = blank_tensors(ensemble);
  for (std::size_t i = 0; i < std::min(tensors.size(), tensors_.size()); ++i) {
    if (tensors[i].values.size() != tensors_[i].values.size()) {
      throw Error(ErrorKind::kModelFile, {},
                  fmt::format("the checkpoint has no tensor '{}' of this model", tensors[i].name));
    }
    tensors[i].values = tensors_[i].values;
  }
  return tensors;
}

}  // namespace lapel
