#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kernels/cpu.h"
#include "lapel/error.h"

namespace {

/// What ctest shows as skipped.
constexpr int kSkipped = 77;

constexpr std::array<std::string_view, 4> kNarrowestFirst = {"avx2", "avx512", "avx512_bf16", "amx"};

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

auto width(std::string_view isa) { return std::ranges::find(kNarrowestFirst, isa) - kNarrowestFirst.begin(); }

/// What the CPU itself has; should its system withhold a part, no harm is done: a run more is made.
std::string_view widest_isa() {
  return __builtin_cpu_supports("amx-bf16")     ? "amx"
         : __builtin_cpu_supports("avx512bf16") ? "avx512_bf16"
         : __builtin_cpu_supports("avx512vl")   ? "avx512"
                                                : "avx2";
}

/// Holds the program to the instruction set `wanted`, but never beyond LAPEL_ISA. Returns whether there is a run to
/// make.
bool take_limit(const std::string& wanted) {
  const std::string limit = variable("LAPEL_ISA");
  if (!limit.empty() && width(wanted) > width(limit)) {
    std::printf("skipped: %s is beyond LAPEL_ISA=%s\n", wanted.c_str(), limit.c_str());
    return false;
  }
  setenv("LAPEL_ISA", wanted.c_str(), 1);
  return true;
}

}  // namespace

/// Applies LAPEL_ISA before anything else, for tests of single kernels, and for the lists of instruction sets that
/// tests walk. ctest names further instruction sets in LAPEL_TEST_ISA. One that the CPU lacks, or that LAPEL_ISA
/// forbids, is skipped. Of the CPU's own, which the run without a limit has already seen, only the tests of the limit
/// run.
int main(int argc, char** argv) {
  const std::string wanted = variable("LAPEL_TEST_ISA");
  const std::string limit = variable("LAPEL_ISA");
  if (!wanted.empty() && !take_limit(wanted)) {
    return kSkipped;
  }
  testing::InitGoogleTest(&argc, argv);
  try {
    const lapel::kernels::Cpu& cpu = lapel::kernels::cpu();
    std::printf("Instructions: %s\n", cpu.isa.c_str());
    if (!wanted.empty() && (wanted == limit || (limit.empty() && wanted == widest_isa()))) {
      std::printf("The run without LAPEL_TEST_ISA has the same instructions: here are the tests of the limit alone.\n");
      GTEST_FLAG_SET(filter, "Isa.*");
    }
  } catch (const lapel::Error& error) {
    std::printf("error: %s\n", error.what());
    const bool lacks = std::string_view(error.what()).find("this CPU does not have these") != std::string_view::npos;
    return !wanted.empty() && lacks ? kSkipped : 1;
  }
  return RUN_ALL_TESTS();
}
