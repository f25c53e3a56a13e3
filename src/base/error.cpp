#include "lapel/error.h"

#include <utility>

namespace lapel {

namespace {

constexpr std::string_view kGap = "        ";

std::string render(const std::string& place, const std::string& problem, const std::vector<ErrorFact>& facts,
                   const std::string& hint) {
  std::string text = place.empty() ? problem : place + ": " + problem;
  std::string second;
  const auto add = [&second](std::string_view label, std::string_view value) {
    second.append(second.empty() ? "\n  " : kGap).append(label).append("  ").append(value);
  };
  for (const auto& [label, value] : facts) {
    add(label, value);
  }
  if (!hint.empty()) {
    add("try", hint);
  }
  return text + second;
}

}  // namespace

struct Error::Data {
  ErrorKind kind;
  std::string place;
  std::string problem;
  std::vector<ErrorFact> facts;
  std::string hint;
  std::string text;
};

Error::Error(ErrorKind kind, std::string place, std::string problem, std::vector<ErrorFact> facts, std::string hint) {
  std::string text = render(place, problem, facts, hint);
  data_ = std::make_shared<const Data>(
      Data{kind, std::move(place), std::move(problem), std::move(facts), std::move(hint), std::move(text)});
}

const char* Error::what() const noexcept { return data_->text.c_str(); }
ErrorKind Error::kind() const noexcept { return data_->kind; }
const std::string& Error::place() const noexcept { return data_->place; }
const std::string& Error::problem() const noexcept { return data_->problem; }
const std::vector<ErrorFact>& Error::facts() const noexcept { return data_->facts; }
const std::string& Error::hint() const noexcept { return data_->hint; }

Error Error::within(std::string_view place) const {
  std::string outer(place);
  if (!data_->place.empty()) {
    outer += outer.empty() ? data_->place : ", " + data_->place;
  }
  return {data_->kind, std::move(outer), data_->problem, data_->facts, data_->hint};
}

}  // namespace lapel
