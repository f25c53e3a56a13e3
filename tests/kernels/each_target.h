#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdint>
#include <string>
#include <vector>

namespace lapel::kernels::testing {

/// Runs its tests once for each instruction set that this CPU has, the narrowest included. With sanitizers, which make
/// single numbers take minutes, only those with vectors: the other one is compiled from the same lines.
class EachTarget : public ::testing::TestWithParam<std::int64_t> {
 protected:
  EachTarget() { use(GetParam()); }
  ~EachTarget() override { use(0); }

 private:
  static void use(std::int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

inline auto all_targets() {
  std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
#ifdef __SANITIZE_ADDRESS__
  if (targets.size() > 1) {
    std::erase(targets, HWY_SCALAR);
  }
#endif
  return ::testing::ValuesIn(targets);
}

inline auto target_name() {
  return [](const auto& tested) { return std::string(hwy::TargetName(tested.param)); };
}

}  // namespace lapel::kernels::testing
