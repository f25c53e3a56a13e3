#pragma once

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdint>

namespace lapel::kernels::testing {

/// Runs its tests once for each instruction set that this CPU has, the narrowest included.
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

inline auto all_targets() { return ::testing::ValuesIn(hwy::SupportedAndGeneratedTargets()); }

inline auto target_name() {
  return [](const auto& tested) { return std::string(hwy::TargetName(tested.param)); };
}

}  // namespace lapel::kernels::testing
