// What lies where in the memory of a program: nothing lies on what is still needed, and what is done with makes room.

#include "plan/memory_plan.h"

#include <algorithm>

#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::DenseOp;

constexpr std::size_t kNumber = 64;  // Bytes of a number of every sample: every piece is whole lines.

/// %0 = pictures, then %1, ... = dense of 4 numbers each.
Program layers(bool training, std::size_t count) {
  test::HandMade made(training);
  std::size_t value = made.input(4);
  for (std::size_t i = 0; i < count; ++i) {
    value = made.add(DenseOp{1, 4, 4}, {value});
  }
  return made.program();
}

MemoryPlan plan_of(const Program& program, const OperatorMemory& each, std::size_t sum_scratch = 0) {
  const std::vector<OperatorMemory> operators(program.instructions.size(), each);
  return {program, gradient_flow(program), operators, kNumber, sum_scratch};
}

bool overlap(std::size_t a, std::size_t b, std::size_t bytes) { return a < b + bytes && b < a + bytes; }

TEST(MemoryPlan, InEvaluationTwoValuesLiveAtATime) {
  const MemoryPlan memory = plan_of(layers(false, 4), {});
  EXPECT_EQ(memory.bytes(), 2 * 4 * kNumber);
  for (std::size_t value = 0; value < 4; ++value) {
    EXPECT_NE(memory.value(value), memory.value(value + 1));
  }
  EXPECT_EQ(memory.value(0), memory.value(2));
}

TEST(MemoryPlan, ValuesThatBackwardReadsStay) {
  for (const bool output : {false, true}) {
    const MemoryPlan memory =
        plan_of(layers(true, 3), {.backward_reads_inputs = !output, .backward_reads_output = output});
    // Of the layers: the inputs are the pictures and two values, the outputs three values.
    const std::size_t first = output ? 1 : 0;
    for (std::size_t a = first; a < first + 3; ++a) {
      for (std::size_t b = first; b < a; ++b) {
        EXPECT_FALSE(overlap(memory.value(a), memory.value(b), 4 * kNumber)) << a << " " << b;
      }
    }
  }
  const MemoryPlan none = plan_of(layers(true, 3), {});
  EXPECT_EQ(none.bytes(), 2 * 4 * kNumber) << "nothing is kept for backward";
}

TEST(MemoryPlan, WhatOperatorsSaveStaysUntilBackward) {
  const Program program = layers(true, 3);
  const MemoryPlan memory = plan_of(program, {.saved = 4 * kNumber});
  std::vector<std::size_t> places;
  for (std::size_t i = 1; i < program.instructions.size(); ++i) {
    places.push_back(memory.saved(i));
  }
  std::ranges::sort(places);
  for (std::size_t i = 1; i < places.size(); ++i) {
    EXPECT_GE(places[i], places[i - 1] + 4 * kNumber);
  }
}

TEST(MemoryPlan, ScratchIsTheLargestAndSharesWithNothing) {
  const Program program = layers(false, 1);
  const std::vector<OperatorMemory> operators = {{.scratch = 100}, {.scratch = 1000}};
  EXPECT_EQ(MemoryPlan(program, gradient_flow(program), operators, kNumber, 0).bytes(), 2 * 4 * kNumber + 1024);
  const MemoryPlan sums(program, gradient_flow(program), operators, kNumber, 2000);
  EXPECT_EQ(sums.bytes(), 2 * 4 * kNumber + 2048);
  for (const std::size_t value : {0U, 1U}) {
    EXPECT_TRUE(sums.value(value) + 4 * kNumber <= sums.scratch() || sums.scratch() + 2048 <= sums.value(value));
  }
}

/// %0 = pictures, %1 = dense(%0), %2 = dense(%1), %3 = add(%1 %2), times a factor or not.
Program residual(double factor) {
  test::HandMade made;
  const auto first = made.add(DenseOp{1, 4, 4}, {made.input(4)});
  made.add(kernels::AddOp{4, 2, factor}, {first, made.add(DenseOp{1, 4, 4}, {first})});
  return made.program();
}

TEST(MemoryPlan, AGradientOfSeveralPartsHasAPlaceForEachAndForTheSum) {
  const MemoryPlan memory = plan_of(residual(0.5), {});
  EXPECT_EQ(memory.gradient_parts(3), std::vector{memory.loss_gradient()});
  EXPECT_EQ(memory.gradient(3), memory.loss_gradient()) << "of one part: that itself";
  const auto of_sum = memory.input_gradients(3);
  ASSERT_EQ(of_sum.size(), 2U);
  EXPECT_EQ(memory.input_gradients(1), std::vector{kNone}) << "the pictures have none";
  // What the sum gives and what the second layer gives add up to the first one's.
  const auto parts = memory.gradient_parts(1);
  EXPECT_EQ(parts, (std::vector{of_sum[0], memory.input_gradients(2)[0]}));
  EXPECT_EQ(memory.gradient(2), of_sum[1]);
  for (const std::size_t part : parts) {
    EXPECT_FALSE(overlap(memory.gradient(1), part, 4 * kNumber));
  }
  EXPECT_FALSE(overlap(parts[0], parts[1], 4 * kNumber));
}

TEST(MemoryPlan, ASumWithoutAFactorPassesItsGradientOn) {
  const MemoryPlan memory = plan_of(residual(1), {});
  EXPECT_EQ(memory.input_gradients(3), std::vector(2, memory.gradient(3)));
}

}  // namespace
}  // namespace lapel::plan
