#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdlib>
#include <string>

#include "kernels/cpu.h"
#include "kernels/operator.h"

namespace lapel::kernels {
namespace {

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// Meaningful in the runs that ctest makes with LAPEL_ISA set (kernels_avx2, ...).
TEST(Isa, NothingBeyondTheLimitIsUsed) {
  const char* const variable = std::getenv("LAPEL_ISA");
  const std::string limit = variable == nullptr ? "amx" : variable;
  const Cpu& found = cpu();
  const auto dropout = make_operator(DropoutOp{100, 0.5, 0}, {1, true, true, Dtype::kFloat32, {}});
  const std::string simd = dropout->implementation();
  const std::string product =
      make_operator(Conv2DOp{Shape::image(16, 8, 8), Shape::image(16, 6, 6), {3, 3}, {1, 1}}, {})->implementation();
  if (limit == "avx2") {
    EXPECT_FALSE(contains(found.isa, "avx512")) << found.isa;
    EXPECT_EQ(simd, "highway:AVX2");
    EXPECT_FALSE(contains(product, "avx512")) << product;
  }
  if (limit == "avx512") {
    EXPECT_EQ(simd, "highway:AVX3");
    EXPECT_TRUE(contains(product, "avx512")) << product;
  }
  if (limit == "avx2" || limit == "avx512") {
    EXPECT_FALSE(found.fast_bfloat16) << found.isa;
    EXPECT_FALSE(contains(found.isa, "bf16")) << found.isa;
  }
  if (limit == "avx512_bf16") {
    EXPECT_TRUE(found.fast_bfloat16) << found.isa;
  }
  if (limit != "amx") {
    EXPECT_FALSE(found.bfloat16_tiles) << found.isa;
    EXPECT_FALSE(contains(found.isa, "amx")) << found.isa;
  }
}

// Even where one walks a list of targets, as tests of single kernels do.
TEST(Isa, TargetsThatAreWalkedAreWithinTheLimit) {
  const char* const variable = std::getenv("LAPEL_ISA");
  if (variable == nullptr || std::string(variable) != "avx2") {
    GTEST_SKIP() << "of interest with LAPEL_ISA=avx2 only";
  }
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    EXPECT_GE(target, HWY_AVX2) << hwy::TargetName(target);
  }
}

}  // namespace
}  // namespace lapel::kernels
