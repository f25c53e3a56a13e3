#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "output.h"

namespace lapel::app {

/// How the program ends.
enum ExitCode : int { kSuccess = 0, kFailure = 1, kWrongUse = 2, kInterruptedByUser = 130 };

/// Where the words of an argument go; the target's type decides how they are read.
using Target = std::variant<bool*, std::string*, std::int64_t*, std::vector<std::string>*, std::vector<std::int64_t>*>;

/// One argument of a command: a flag or option (`--top`), or, without dashes, a positional one (`RUN`).
struct Argument {
  std::string name;
  std::string value;  ///< What stands for the value in the help: `DATA`; empty for flags and positionals.
  std::string help;
  Target target;
  bool required = false;
  bool greedy = false;                    ///< A list takes all words up to the next option, not one a flag.
  std::int64_t min = 0;                   ///< Of integers.
  std::vector<std::string> choices = {};  ///< Of texts; empty: any.

  [[nodiscard]] bool positional() const { return !name.starts_with('-'); }
  [[nodiscard]] bool flag() const { return std::holds_alternative<bool*>(target); }
  [[nodiscard]] bool list() const {
    return std::holds_alternative<std::vector<std::string>*>(target) ||
           std::holds_alternative<std::vector<std::int64_t>*>(target);
  }
};

/// One command of the program: parsing, help and documents are made from this table.
struct Command {
  std::string name;  ///< One or two words: `data describe`.
  std::string help;  ///< A sentence.
  std::vector<Argument> arguments;
  std::function<ExitCode(Output&)> run;          ///< Called after the arguments have their values.
  std::function<std::string()> notes = nullptr;  ///< What the help ends with.
};

[[nodiscard]] Command bench_command();
[[nodiscard]] Command data_convert_command();
[[nodiscard]] Command data_describe_command();
[[nodiscard]] Command data_show_command();
[[nodiscard]] Command report_command();
[[nodiscard]] Command compare_command();
/// `started`: when the process began.
[[nodiscard]] Command train_command(std::chrono::steady_clock::time_point started);
[[nodiscard]] Command lr_find_command();
[[nodiscard]] Command evaluate_command();
[[nodiscard]] Command export_command();
[[nodiscard]] Command predict_command();
[[nodiscard]] Command summary_command();
[[nodiscard]] Command recipes_command();

}  // namespace lapel::app
