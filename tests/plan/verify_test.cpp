// Each rule of a right program, with a fault planted against it.

#include "plan/verify.h"

#include <functional>

#include "lapel/error.h"
#include "plan/hand_made.h"

namespace lapel::plan {
namespace {

using kernels::DenseOp;
using Faults = std::vector<std::string>;

/// %0 = input, %1 = dense(%0), %2 = dense(%1), %3 = add(%1 %2).
Program good() {
  test::HandMade made;
  const auto first = made.add(DenseOp{1, 8, 6}, {made.input(8)});
  const auto second = made.add(DenseOp{1, 6, 6, false}, {first});
  made.add(kernels::AddOp{6}, {first, second});
  return made.program();
}

Faults faults_with(const std::function<void(Program&)>& plant) {
  Program program = good();
  plant(program);
  return faults(program);
}

TEST(Verify, FindsNothingInAGoodProgram) { EXPECT_EQ(faults(good()), Faults{}); }

TEST(Verify, EveryValueIsDefinedOnceBeforeItIsRead) {
  EXPECT_EQ(faults_with([](Program& program) { program.instructions[1].inputs = {2}; }),
            (Faults{"%1 = dense: reads %2, which is not defined before it", "nothing reads %0"}));
  EXPECT_EQ(faults_with([](Program& program) { program.instructions[1].inputs = {9}; }),
            (Faults{"%1 = dense: reads %9, which is not defined before it", "nothing reads %0"}));
  EXPECT_EQ(faults_with([](Program& program) {
              program.instructions[3].output = 2;
              program.value_sizes.pop_back();
              program.logits = 2;
            }),
            (Faults{"%2 = add: gives %2 a second time"}));
  EXPECT_EQ(faults_with([](Program& program) {
              program.instructions[3].output = 4;
              program.logits = 2;
              program.value_sizes[3] = 0;
            }),
            (Faults{"%4 = add: gives a value that the program does not have"}));
}

TEST(Verify, AnInstructionReadsWhatItsOperatorTakes) {
  EXPECT_EQ(faults_with([](Program& program) { program.instructions[3].inputs.push_back(1); }),
            (Faults{"%3 = add: reads 3 values, its operator takes 2"}));
  EXPECT_EQ(faults_with([](Program& program) { program.instructions[3].inputs[0] = 0; }),
            (Faults{"%3 = add: reads %0 of 8 numbers, its operator takes 6"}));
}

TEST(Verify, AValueHasTheSizeThatItsOperatorGives) {
  EXPECT_EQ(faults_with([](Program& program) { program.value_sizes[3] = 7; }),
            (Faults{"%3 = add: gives 6 numbers, its value has 7"}));
}

TEST(Verify, NoValueIsDead) {
  EXPECT_EQ(faults_with([](Program& program) { program.instructions[3].inputs[1] = 1; }), Faults{"nothing reads %2"});
  EXPECT_EQ(faults_with([](Program& program) { program.add_value(5); }),
            Faults{"%4 has 5 numbers, which nothing gives"});
}

TEST(Verify, TheLogitsAreDefined) {
  EXPECT_EQ(faults_with([](Program& program) { program.logits = 4; }),
            (Faults{"the logits %4 are not defined", "nothing reads %3"}));
}

TEST(Verify, EveryParameterIsReadOnce) {
  EXPECT_EQ(faults_with([](Program& program) { program.instructions[2].first_parameter = 1; }),
            (Faults{"%2 = dense: has parameters from 1 on, the next that nothing reads is 2",
                    "%2 = dense: reads b1 of shape [6], its operator takes [6, 6]"}));
  EXPECT_EQ(faults_with([](Program& program) {
              program.parameters.push_back({"more", {}});
            }),
            Faults{"nothing reads the parameter more"});
  EXPECT_EQ(faults_with([](Program& program) { program.parameters.pop_back(); }),
            Faults{"%2 = dense: reads parameter 2 of 2"});
}

TEST(Verify, AnInstructionHasTheParametersOfItsOperator) {
  EXPECT_EQ(faults_with([](Program& program) { program.instructions[2].parameters = 0; }),
            (Faults{"%2 = dense: has 0 parameters, its operator takes 1", "nothing reads the parameter c0"}));
  EXPECT_EQ(faults_with([](Program& program) {
              program.parameters[0].spec.shape = {6, 8};
            }),
            Faults{"%1 = dense: reads b0 of shape [6, 8], its operator takes [8, 6]"});
}

TEST(Verify, EachInstructionComesFromALayer) {
  EXPECT_EQ(faults_with([](Program& program) { program.instructions[3].layer = 4; }),
            Faults{"%3 = add: comes from layer 4 of 4"});
}

TEST(Verify, ThrowsWithTheFaultsAndTheProgram) {
  Program program = good();
  program.instructions[3].inputs[1] = 1;
  try {
    verify(program, "fuse_activation");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_EQ(error.problem(), "a wrong program after fuse_activation");
    EXPECT_EQ(error.facts()[0].value, "nothing reads %2");
    EXPECT_EQ(error.facts()[1].value, to_text(program));
  }
}

}  // namespace
}  // namespace lapel::plan
