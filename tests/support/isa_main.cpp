#include <gtest/gtest.h>

#include <cstdio>

#include "kernels/cpu.h"
#include "lapel/error.h"

/// Applies LAPEL_ISA before anything else, for tests of single kernels, and for the lists of instruction sets that
/// tests walk. What it says of a CPU without these instructions makes ctest count the test as skipped.
int main(int argc, char** argv) {
  try {
    std::printf("Instructions: %s\n", lapel::kernels::cpu().isa.c_str());
  } catch (const lapel::Error& error) {
    std::printf("error: %s\n", error.what());
    return 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
