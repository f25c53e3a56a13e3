#pragma once

#include <string>

#include "lapel/error.h"

namespace lapel::test {

/// The whole message of the Error that `body` throws; `no error` if it throws none.
template <class F>
[[nodiscard]] std::string message_of(const F& body) {
  try {
    static_cast<void>(body());
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// The types of a table's lines, as an error lists them.
template <class Table>
std::string types_of(const Table& table) {
  std::string text;
  for (const auto& line : table) {
    text += (text.empty() ? "" : ", ") + std::string(line.type);
  }
  return text;
}

}  // namespace lapel::test
