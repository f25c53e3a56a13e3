#pragma once

#include <span>
#include <string>
#include <string_view>

#include "command.h"

namespace lapel::app {

/// Columns of the help.
inline constexpr std::size_t kHelpWidth = 100;

/// `lapel evaluate RUN [--data DATA] [--split SPLIT] [--json]`
[[nodiscard]] std::string usage_line(const Command& command);
/// What `lapel --help` prints.
[[nodiscard]] std::string program_help(std::span<const Command> commands);
/// What `lapel COMMAND --help` prints.
[[nodiscard]] std::string command_help(const Command& command);
/// `term` and its description as one entry of a list, the description wrapped in a column of its own.
[[nodiscard]] std::string help_entry(std::string_view term, std::string_view description, std::size_t column);

}  // namespace lapel::app
