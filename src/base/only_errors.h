#pragma once

#include <exception>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lapel/error.h"

namespace lapel {

/// Throws the Error that stands for the exception that is being handled, an Error itself as it is.
[[noreturn]] void rethrow_as_error(std::string_view place);

/// Calls `body`. The library's doors do so: whatever another library throws within them leaves them as an Error,
/// `place` says in which.
template <class F>
decltype(auto) only_errors(std::string_view place, const F& body) {
  try {
    return body();
  } catch (...) {
    rethrow_as_error(place);
  }
}

}  // namespace lapel
