#include "plan/parameters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/buffer.h"
#include "plan/network.h"
#include "support/tiny.h"

namespace lapel::plan {
namespace {

Network tiny_network(kernels::Dtype dtype = kernels::Dtype::kFloat32) {
  return {model::Model("m", test::residual_layers(4), Shape::image(1, 8, 6)), {dtype, 1, 1.0F, 8, true}};
}

TEST(Parameters, AreNamedAndShapedAsInKeras) {
  const auto network = tiny_network();
  const auto entries = network.parameters().entries();
  ASSERT_EQ(entries.size(), 10U);
  EXPECT_EQ(entries[0].name, "stem/kernel");
  EXPECT_EQ(entries[0].spec.shape, (std::vector<std::int64_t>{3, 3, 1, 5}));
  EXPECT_EQ(entries[1].name, "stem/bias");
  EXPECT_EQ(entries[8].name, "logits/kernel");
  EXPECT_EQ(entries[8].spec.shape, (std::vector<std::int64_t>{4 * 3 * 7, 4}));
}

TEST(Parameters, InitialWeightsAreGlorotUniformAndDependOnTheSeedAlone) {
  auto first = tiny_network();
  auto second = tiny_network(kernels::Dtype::kBfloat16);
  first.parameters().initialize(7);
  second.parameters().initialize(7);
  for (std::size_t i = 0; i < first.parameters().entries().size(); ++i) {
    EXPECT_EQ(first.parameters().get(i), second.parameters().get(i)) << first.parameters().entries()[i].name;
  }
  const auto kernel = first.parameters().get(8);
  const float limit = std::sqrt(6.0F / (84 + 4));
  const auto [low, high] = std::minmax_element(kernel.begin(), kernel.end());
  EXPECT_GE(*low, -limit);
  EXPECT_LE(*high, limit);
  EXPECT_LT(*low, -0.9F * limit);
  EXPECT_GT(*high, 0.9F * limit);
  for (const float bias : first.parameters().get(9)) {
    EXPECT_EQ(bias, 0);
  }
  second.parameters().initialize(8);
  EXPECT_NE(kernel, second.parameters().get(8));
}

TEST(Parameters, WhatIsSetIsGot) {
  auto network = tiny_network();
  auto& parameters = network.parameters();
  std::vector<float> values(84 * 4);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i);
  }
  parameters.set(8, values);
  EXPECT_EQ(parameters.get(8), values);
}

TEST(Parameters, EachBeginsAtAWholeLine) {
  const auto is_at_a_line = [](const void* memory) {
    return reinterpret_cast<std::uintptr_t>(memory) % Buffer::kAlignment == 0;
  };
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    auto network = tiny_network(dtype);
    auto& parameters = network.parameters();
    parameters.add_optimizer_state(2);
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      const kernels::UpdateTarget& target = *parameters.update_target(i);
      EXPECT_EQ(target.low != nullptr, dtype == kernels::Dtype::kBfloat16);
      for (const void* const memory :
           {static_cast<const void*>(target.weights), static_cast<const void*>(target.state1),
            static_cast<const void*>(target.state2), static_cast<const void*>(target.low)}) {
        EXPECT_TRUE(is_at_a_line(memory)) << parameters.entries()[i].name;
      }
    }
  }
}

TEST(Parameters, PaddingBetweenAndWithinWeightsStaysZero) {
  auto network = tiny_network();
  auto& parameters = network.parameters();
  parameters.initialize(1);
  double all = 0;
  for (const float value : parameters.trainable()) {
    all += std::abs(static_cast<double>(value));
  }
  double named = 0;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    for (const float value : parameters.get(i)) {
      named += std::abs(static_cast<double>(value));
    }
  }
  EXPECT_NEAR(all, named, 1e-9 * named);
}

}  // namespace
}  // namespace lapel::plan
