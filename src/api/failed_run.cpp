#include "api/failed_run.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "lapel/report.h"
#include "store/checkpoint.h"

namespace lapel {

namespace {

/// The first failure is the one to tell of; what was written before it stays.
void say_that_it_failed(const store::RunFolder& folder, const RunRecord& failed) {
  std::error_code ignored;
  if (std::filesystem::exists(folder.path() / store::kMetricsFile, ignored)) {
    return;
  }
  try {
    folder.write_metrics(to_json(failed));
  } catch (const Error&) {
    return;
  }
}

}  // namespace

Error after_failure(const Error& error, const store::RunFolder& folder, const RunRecord& failed) {
  const std::string run = folder.path().string();
  if (failed.epochs == 0 && folder.discard()) {
    auto facts = error.facts();
    if (error.place().find(run) != std::string::npos && error.kind() == ErrorKind::kIo) {
      facts.push_back({"the run folder", "removed, since nothing was trained"});
    }
    return {error.kind(), error.place(), error.problem(), facts, error.hint()};
  }
  say_that_it_failed(folder, failed);
  if (error.kind() != ErrorKind::kIo || !store::has_checkpoint(folder.path())) {
    return error;
  }
  return {error.kind(), error.place(), error.problem(), error.facts(),
          fmt::format("to mend that, then lapel train --resume {}", run)};
}

}  // namespace lapel
