#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "kernels/ops.h"
#include "layers/layer.h"

namespace lapel::plan {

inline constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

/// A BatchNormalization in evaluation: positions of the model's weights, kNone for those that it lacks.
struct Normalization {
  std::size_t gamma = kNone;
  std::size_t beta = kNone;
  std::size_t mean = kNone;
  std::size_t variance = kNone;
  double epsilon = 0;
};

/// A weight that a program reads.
struct Parameter {
  std::string name;  ///< Keras's: `dense/kernel`
  layers::ParameterSpec spec;
  std::size_t source = kNone;                ///< Position of the model's weight that it is made of; kNone: of zeros.
  std::optional<Normalization> folded = {};  ///< What is in its numbers besides (folded_weights.h).
};

/// One operator over numbered values.
struct Instruction {
  kernels::Op op;
  std::vector<std::size_t> inputs;
  std::size_t output = 0;
  std::size_t first_parameter = 0;  ///< Position in the program's parameters.
  std::size_t parameters = 0;
  std::size_t layer = 0;  ///< That it came from; of a chain, the last one; of a convolution and more, that.
};

/// A model as a list of operators over values, in an order in which each comes after what it reads. `lower` makes it of
/// a model, the passes (passes/README.md) rewrite it into one that runs faster, `verify` says what must be true of it.
struct Program {
  std::vector<Instruction> instructions;
  std::vector<std::int64_t> value_sizes;  ///< Numbers per sample; 0: no instruction gives or reads this value any more.
  std::vector<Parameter> parameters;      ///< In the order of the instructions that read them.
  std::size_t logits = 0;                 ///< The value that the loss reads.
  std::vector<std::string> layer_names;   ///< Of the model, input included.
  bool training = false;
  bool frozen = false;  ///< Weights do not change any more, so that some can be computed into others.
  /// The first layer that does something in training alone, as Dropout; kNone where there is none.
  std::size_t first_training_layer = kNone;

  std::size_t add_value(std::int64_t size);
  /// How often a value is read, the loss included.
  [[nodiscard]] std::size_t readers(std::size_t value) const;
  /// The position of the instruction that gives a value; kNone where none does.
  [[nodiscard]] std::size_t writer(std::size_t value) const;
  /// The instruction whose output is the first input of this one, where nothing else reads that; else null. What a
  /// pass may join with it.
  [[nodiscard]] Instruction* sole_producer(const Instruction& instruction);
  /// Whether weights come before this value, so that it has a gradient in training.
  [[nodiscard]] bool depends_on_weights(std::size_t value) const;

  /// Takes out an instruction that gives what it gets: who read its output reads its first input.
  void bypass(std::size_t position);
  /// `producer` also does the work of the instruction at `position`, which alone reads it and is taken out.
  void join_into_producer(Instruction& producer, std::size_t position);
  /// `consumer`, which alone reads the output of `producer`, also does its work: it has the inputs of that, and its
  /// weights before its own. `producer` is taken out.
  void join_into_consumer(const Instruction& producer, Instruction& consumer);
  /// Puts in a parameter, or takes some out; the instructions that read those behind it still do.
  void insert_parameter(std::size_t position, const Parameter& parameter);
  void erase_parameters(std::size_t first, std::size_t count);
};

/// Whether the weights of `second` come just after those of `first`, so that one instruction can have both.
[[nodiscard]] bool weights_adjoin(const Instruction& first, const Instruction& second);

/// The program as text, a line an instruction: `%1 = dense(%0; dense/kernel dense/bias) 1 x 784 -> 10 relu  # dense`.
[[nodiscard]] std::string to_text(const Program& program);

}  // namespace lapel::plan
