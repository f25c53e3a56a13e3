#include "lapel/error.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace lapel {

namespace {

constexpr std::string_view kGap = "        ";

/// Parts of a message may come from files of anybody: in them no control character reaches a terminal, and what is
/// longer than people read loses its middle.
std::string shown(std::string_view text, std::size_t most) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xE0U) == 0x80U;
    if (byte < 0x20 || byte == 0x7F || c1) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto code = c1 ? static_cast<unsigned char>(text[++i]) : byte;
      result += byte == '\n' ? std::string("\\n") : std::string("\\x") + kDigits[code >> 4U] + kDigits[code & 0xFU];
    } else {
      result += text[i];
    }
  }
  if (result.size() <= most) {
    return result;
  }
  const auto inside = [&](std::size_t at) { return (static_cast<unsigned char>(result[at]) & 0xC0U) == 0x80U; };
  std::size_t head = most / 2;
  std::size_t tail = result.size() - most / 2;
  while (head > 0 && inside(head)) {
    --head;
  }
  while (tail < result.size() && inside(tail)) {
    ++tail;
  }
  return result.substr(0, head) + " [...] " + result.substr(tail);
}

// Bytes of a message's parts: all are below 2 KB.
constexpr std::size_t kLongPart = 400;
constexpr std::size_t kLongFacts = 600;  // Together.
constexpr std::size_t kShortFact = 40;

std::string render(const std::string& place, const std::string& problem, const std::vector<ErrorFact>& facts,
                   const std::string& hint) {
  std::string text = shown(problem, kLongPart);
  if (!place.empty()) {
    text.insert(0, shown(place, kLongPart) + ": ");
  }
  std::string second;
  std::size_t room = kLongFacts;
  const auto add = [&](std::string_view label, std::string_view value, std::size_t longest) {
    const std::string words = shown(value, longest);
    second.append(second.empty() ? "\n  " : kGap).append(label).append("  ").append(words);
    return words.size();
  };
  for (const auto& [label, value] : facts) {
    room -= std::min(room, add(label, value, std::max(room, kShortFact)));
  }
  if (!hint.empty()) {
    add("try", hint, kLongPart);
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
