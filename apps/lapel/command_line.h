#pragma once

#include <span>
#include <string>

#include "command.h"

namespace lapel::app {

/// What a command line asks for: a command with its arguments read, or a text (help, version) to print.
struct Request {
  const Command* command = nullptr;
  std::string text;
};

/// Reads the command line and writes the arguments' targets. Throws Error (kUsage), naming the nearest known word.
[[nodiscard]] Request parse_command_line(std::span<const Command> commands, int argc, const char* const* argv);

}  // namespace lapel::app
