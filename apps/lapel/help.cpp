#include "help.h"

#include <fmt/format.h>

#include <algorithm>

namespace lapel::app {

namespace {

std::string term(const Argument& argument) {
  std::string text = argument.value.empty() ? argument.name : fmt::format("{} {}", argument.name, argument.value);
  return text + (argument.greedy ? "..." : "");
}

/// `[--set KEY=VALUE]...`
std::string usage_of(const Argument& argument) {
  const std::string word = term(argument);
  return (argument.required ? word : fmt::format("[{}]", word)) + (argument.list() && !argument.greedy ? "..." : "");
}

/// The usage line, broken between arguments where it is too long.
std::string usage_text(const Command& command) {
  const std::string begin = fmt::format("Usage: lapel {}", command.name);
  std::string text;
  std::string line = begin;
  for (const auto& argument : command.arguments) {
    const std::string usage = usage_of(argument);
    if (line.size() + 1 + usage.size() > kHelpWidth) {
      text += line + "\n";
      line = fmt::format("{:{}}", "", begin.size());
    }
    line += fmt::format(" {}", usage);
  }
  return text + line + "\n";
}

std::string section(std::string_view title, const std::vector<std::pair<std::string, std::string>>& entries) {
  if (entries.empty()) {
    return {};
  }
  std::size_t column = 0;
  for (const auto& [name, description] : entries) {
    column = std::max(column, name.size() + 4);
  }
  std::string text = fmt::format("\n{}:\n", title);
  for (const auto& [name, description] : entries) {
    text += help_entry(name, description, column);
  }
  return text;
}

}  // namespace

std::string help_entry(std::string_view term, std::string_view description, std::size_t column) {
  std::string text;
  std::string line = fmt::format("  {}", term);
  if (line.size() + 2 > column) {
    text = fmt::format("{}\n", line);
    line.clear();
  }
  line.resize(column, ' ');
  while (!description.empty()) {
    const std::size_t end = std::min(description.find(' '), description.size());
    if (line.size() > column && line.size() + 1 + end > kHelpWidth) {
      text += line + "\n";
      line.assign(column, ' ');
    }
    if (line.size() > column) {
      line += ' ';
    }
    line += description.substr(0, end);
    description.remove_prefix(std::min(end + 1, description.size()));
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return text + line + "\n";
}

std::string usage_line(const Command& command) {
  std::string text = "lapel " + command.name;
  for (const auto& argument : command.arguments) {
    text += fmt::format(" {}", usage_of(argument));
  }
  return text;
}

std::string program_help(std::span<const Command> commands) {
  std::string text =
      "Usage: lapel COMMAND ...\n"
      "\n"
      "Trains classifiers of small pictures on an ordinary CPU, measures them and puts them to use.\n";
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& command : commands) {
    entries.emplace_back(command.name, command.help);
  }
  text += section("Commands", entries);
  text += section("Options", {{"-h, --help", "print this text; after a command, print what it takes"},
                              {"--version", "print the version"}});
  text += section("Environment", {{"LAPEL_DATA", "folder of the four IDX files that stand for fashion-mnist"},
                                  {"LAPEL_RECIPES", "folder of the shipped recipes"}});
  text += "\nExit codes: 0 done, 1 the work failed, 2 wrong use, 130 interrupted.\n";
  return text;
}

std::string command_help(const Command& command) {
  std::string text = fmt::format("{}\n{}\n", usage_text(command), command.help);
  std::vector<std::pair<std::string, std::string>> positionals;
  std::vector<std::pair<std::string, std::string>> options;
  for (const auto& argument : command.arguments) {
    (argument.positional() ? positionals : options).emplace_back(term(argument), argument.help);
  }
  options.emplace_back("-h, --help", "print this text");
  text += section("Arguments", positionals);
  text += section("Options", options);
  if (command.notes) {
    text += fmt::format("\n{}", command.notes());
  }
  return text;
}

}  // namespace lapel::app
