#pragma once

#include <chrono>

namespace lapel::app {

/// When this program began, told at the top of main: then, less the processor time that loading it took. (The start
/// that the system notes of a process is that of the shell, where a script ends with `exec lapel`.)
[[nodiscard]] std::chrono::steady_clock::time_point process_start();

}  // namespace lapel::app
