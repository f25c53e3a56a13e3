#include "waiting_threads.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace lapel::app {

void start_with_patient_threads(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") != nullptr || std::getenv("OMP_WAIT_POLICY") != nullptr) {
    return;
  }
  // Its own path and not /proc/self/exe, so that the process keeps its name in ps.
  std::error_code failure;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
  if (!failure && ::setenv("GOMP_SPINCOUNT", "10000", 1) == 0) {
    ::execv(program.c_str(), argv);
    // It could not be started: this one goes on as it is.
  }
}

}  // namespace lapel::app
