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

}  // namespace lapel::test
