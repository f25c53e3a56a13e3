#include "command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "help.h"
#include "lapel/error.h"
#include "lapel/version.h"
#include "nearest.h"

namespace lapel::app {

namespace {

[[noreturn]] void refuse(std::string problem, const std::string& hint) {
  throw Error(ErrorKind::kUsage, {}, std::move(problem), {}, hint);
}

/// Whether CLI11 means this argument: it begins its messages with the name, of flags without the dashes.
bool concerns(const CLI::ParseError& error, const Argument& argument) {
  const std::string_view name = argument.name;
  return std::string_view(error.what()).starts_with(argument.flag() ? name.substr(name.find_first_not_of('-')) : name);
}

/// The command line as CLI11 reads it: words only; what they mean is checked here, in our own words.
class Parser {
 public:
  explicit Parser(std::span<const Command> commands);
  Request parse(int argc, const char* const* argv);

 private:
  struct Bound {
    const Argument* argument;
    CLI::Option* option;
  };
  struct Entry {
    const Command* command;
    std::vector<Bound> arguments;
  };

  void add(const Command& command);
  [[nodiscard]] const CLI::App* deepest() const;
  [[nodiscard]] std::string help_command() const;
  [[nodiscard]] std::vector<std::string> known_words(const CLI::App* app, bool options) const;
  [[noreturn]] void refuse_word(const std::string& word) const;
  [[noreturn]] void explain(const CLI::ParseError& error) const;
  void assign(const Bound& bound) const;

  std::span<const Command> commands_;
  CLI::App app_{"", "lapel"};
  std::map<std::string, CLI::App*> groups_;  ///< By the first word of commands of two words.
  std::map<const CLI::App*, Entry> entries_;
};

Parser::Parser(std::span<const Command> commands) : commands_(commands) {
  app_.set_help_flag("-h,--help");
  app_.set_version_flag("--version", std::string());
  app_.require_subcommand(1);
  for (const auto& command : commands_) {
    add(command);
  }
}

void Parser::add(const Command& command) {
  CLI::App* app = &app_;
  std::string word = command.name;
  if (const auto space = word.find(' '); space != std::string::npos) {
    const std::string group = word.substr(0, space);
    word.erase(0, space + 1);
    CLI::App*& known = groups_[group];
    if (known == nullptr) {
      known = app_.add_subcommand(group);
      known->require_subcommand(1);
    }
    app = known;
  }
  app = app->add_subcommand(word);
  Entry entry{&command, {}};
  for (const auto& argument : command.arguments) {
    CLI::Option* option = argument.flag() ? app->add_flag(argument.name)
                                          : app->add_option(argument.name, CLI::callback_t{}, std::string{});
    if (argument.list()) {
      option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(argument.greedy);
    }
    if (argument.flag()) {
      option->disable_flag_override();
    }
    option->required(argument.required);
    entry.arguments.push_back({&argument, option});
  }
  entries_.emplace(app, std::move(entry));
}

const CLI::App* Parser::deepest() const {
  const CLI::App* app = &app_;
  while (!app->get_subcommands().empty()) {
    app = app->get_subcommands().front();
  }
  return app;
}

std::string Parser::help_command() const {
  std::string text = "lapel";
  for (const CLI::App* app = &app_; !app->get_subcommands().empty();) {
    app = app->get_subcommands().front();
    text += " " + app->get_name();
  }
  return text + " --help";
}

std::vector<std::string> Parser::known_words(const CLI::App* app, bool options) const {
  std::vector<std::string> known;
  if (!options) {
    for (const CLI::App* subcommand : app->get_subcommands({})) {
      known.push_back(subcommand->get_name());
    }
    return known;
  }
  if (const auto entry = entries_.find(app); entry != entries_.end()) {
    for (const auto& argument : entry->second.command->arguments) {
      if (!argument.positional()) {
        known.push_back(argument.name);
      }
    }
  }
  known.emplace_back("--help");
  if (app == &app_) {
    known.emplace_back("--version");
  }
  return known;
}

void Parser::refuse_word(const std::string& word) const {
  const auto takes_set = [this](const CLI::App* app) {
    const std::vector<std::string> options = known_words(app, true);
    return std::find(options.begin(), options.end(), "--set") != options.end();
  };
  const std::vector<std::string> before_command = app_.remaining(false);
  const bool early = std::find(before_command.begin(), before_command.end(), word) != before_command.end();
  const CLI::App* app = early ? &app_ : deepest();
  const bool option = word.starts_with('-');
  if (!option && app->get_subcommands({}).empty()) {
    const bool assignment = word.find('=') != std::string::npos && takes_set(app);
    refuse(fmt::format("unexpected argument \"{}\"", word),
           assignment ? fmt::format("--set {}", word) : help_command());
  }
  const std::string name = word.substr(0, word.find('='));
  const std::vector<std::string> known = known_words(app, option);
  std::string hint = nearest(name, known);
  if (const auto later = known_words(deepest(), option); std::find(later.begin(), later.end(), name) != later.end()) {
    hint = fmt::format("{} after the command", name);
  }
  throw Error(ErrorKind::kUsage, {}, fmt::format("unknown {} \"{}\"", option ? "option" : "command", word),
              {{"known", fmt::format("{}", fmt::join(known, ", "))}},
              !hint.empty()                              ? hint
              : word.starts_with("--") && takes_set(app) ? "--set KEY=VALUE; lapel train --help lists the keys"
                                                         : help_command());
}

void Parser::explain(const CLI::ParseError& error) const {
  const CLI::App* app = deepest();
  if (const auto rest = app_.remaining(true); !rest.empty()) {
    refuse_word(rest.front());
  }
  const auto entry = entries_.find(app);
  if (entry == entries_.end()) {
    throw Error(ErrorKind::kUsage, {}, "no command given",
                {{"commands", fmt::format("{}", fmt::join(known_words(app, false), ", "))}}, help_command());
  }
  for (const auto& [argument, option] : entry->second.arguments) {
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && argument->required && option->count() == 0) {
      refuse(fmt::format("{} is missing", argument->name), usage_line(*entry->second.command));
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && concerns(error, *argument)) {
      const std::string_view problem =
          argument->flag() ? "takes no value" : (option->count() > 1 ? "is given more than once" : "needs a value");
      refuse(fmt::format("{} {}", argument->name, problem), fmt::format("{} {}", argument->name, argument->value));
    }
  }
  refuse(error.what(), help_command());
}

std::int64_t integer(const Argument& argument, const std::string& word) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value < argument.min) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("{} {} is not allowed", argument.name, word),
                {{"allowed", fmt::format("an integer, at least {}", argument.min)}},
                fmt::format("{} {}", argument.name, argument.min));
  }
  return value;
}

/// The choice that begins with `word` or is near to it; else the first one.
std::string meant_choice(const std::string& word, const std::vector<std::string>& choices) {
  const auto longer = std::find_if(choices.begin(), choices.end(), [&](const std::string& choice) {
    return !word.empty() && choice.starts_with(word);
  });
  const std::string near = nearest(word, choices);
  return longer != choices.end() ? *longer : near.empty() ? choices.front() : near;
}

void Parser::assign(const Bound& bound) const {
  const Argument& argument = *bound.argument;
  const std::vector<std::string> words = bound.option->results();
  if (words.empty()) {
    return;
  }
  if (!argument.choices.empty() &&
      std::find(argument.choices.begin(), argument.choices.end(), words.front()) == argument.choices.end()) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("{} {} is not allowed", argument.name, words.front()),
                {{"allowed", fmt::format("{}", fmt::join(argument.choices, ", "))}},
                fmt::format("{} {}", argument.name, meant_choice(words.front(), argument.choices)));
  }
  // As "$UNSET" gives it in a script: a default in its place would answer another question.
  if (!std::holds_alternative<bool*>(argument.target) && std::find(words.begin(), words.end(), "") != words.end()) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("{} is empty", argument.name), {},
                fmt::format("a value for {}, or the command without it", argument.name));
  }
  struct Assign {
    const Argument& argument;
    const std::vector<std::string>& words;
    void operator()(bool* target) const { *target = true; }
    void operator()(std::string* target) const { *target = words.front(); }
    void operator()(std::int64_t* target) const { *target = integer(argument, words.front()); }
    void operator()(std::vector<std::string>* target) const { *target = words; }
    void operator()(std::vector<std::int64_t>* target) const {
      for (const auto& word : words) {
        target->push_back(integer(argument, word));
      }
    }
  };
  std::visit(Assign{argument, words}, argument.target);
}

Request Parser::parse(int argc, const char* const* argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::CallForVersion&) {
    return {nullptr, fmt::format("lapel {}\n", version())};
  } catch (const CLI::CallForHelp&) {
    const auto entry = entries_.find(deepest());
    return {nullptr, entry == entries_.end() ? program_help(commands_) : command_help(*entry->second.command)};
  } catch (const CLI::ParseError& error) {
    explain(error);
  }
  const Entry& entry = entries_.at(deepest());
  for (const auto& bound : entry.arguments) {
    assign(bound);
  }
  return {entry.command, {}};
}

}  // namespace

Request parse_command_line(std::span<const Command> commands, int argc, const char* const* argv) {
  return Parser(commands).parse(argc, argv);
}

}  // namespace lapel::app
