#include <vector>

#include "train/optimizer.h"
#include "train/options.h"

namespace lapel::training {

// The list. Each line declares the optimizer's name here, in the namespace; its file has the rest.
// clang-format off
constexpr OptimizerType (*kOptimizers[])() = {
    optimizer_type<struct SgdOptimizer>,
    optimizer_type<struct AdamOptimizer>,
    optimizer_type<struct AdamWOptimizer>,
    optimizer_type<struct MuonOptimizer>,
    optimizer_type<struct RmspropOptimizer>,
};
// clang-format on

std::span<const TypeEntry> optimizer_types() {
  static const std::vector<TypeEntry> kEntries = [] {
    std::vector<TypeEntry> entries;
    for (const auto& type : kOptimizers) {
      entries.push_back(type().entry);
    }
    return entries;
  }();
  return kEntries;
}

std::unique_ptr<Optimizer> make_optimizer(const TypedSpec& spec) {
  const TypedSpec full = resolved("optimizer", optimizer_types(), spec);
  std::size_t which = 0;
  while (optimizer_types()[which].type != full.type) {
    ++which;
  }
  return kOptimizers[which]().make(full.options);
}

}  // namespace lapel::training
