#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <new>
#include <vector>

#include "command.h"
#include "command_line.h"
#include "lapel/error.h"
#include "output.h"
#include "process_start.h"
#include "waiting_threads.h"

namespace lapel::app {

namespace {

/// The commands, in the order of the help.
std::vector<Command> commands(std::chrono::steady_clock::time_point started) {
  return {data_describe_command(), data_show_command(), data_convert_command(), train_command(started),
          lr_find_command(),       report_command(),    compare_command(),      evaluate_command(),
          predict_command(),       summary_command(),   export_command(),       bench_command(),
          recipes_command()};
}

ExitCode exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
    case ErrorKind::kRecipe:
      return kWrongUse;
    case ErrorKind::kInterrupted:
      return kInterruptedByUser;
    default:
      return kFailure;
  }
}

ExitCode run(int argc, const char* const* argv, Output& output, std::chrono::steady_clock::time_point started) {
  const std::vector<Command> table = commands(started);
  const Request request = parse_command_line(table, argc, argv);
  ExitCode code = kSuccess;
  if (request.command != nullptr) {
    code = request.command->run(output);
  } else {
    output.print(request.text);
  }
  output.finish();
  return code;
}

ExitCode fail(const Error& error) {
  std::fputs(fmt::format("error: {}\n", error.what()).c_str(), stderr);
  return exit_code(error.kind());
}

}  // namespace

}  // namespace lapel::app

int main(int argc, char** argv) {
  using lapel::Error;
  using lapel::ErrorKind;
  lapel::app::start_with_patient_threads(argv);
  const auto started = lapel::app::process_start();
  // Without these, a closed pipe or a file-size limit would kill the program instead of failing a write.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  lapel::app::reserve_standard_streams();
  lapel::app::Output output;
  try {
    return lapel::app::run(argc, argv, output, started);
  } catch (const Error& error) {
    return lapel::app::fail(error);
  } catch (const std::bad_alloc&) {
    return lapel::app::fail(Error(ErrorKind::kIo, {}, "the memory of this machine does not suffice", {},
                                  "a smaller train.batch_size, data.limit or model"));
  } catch (const std::exception& error) {
    return lapel::app::fail(
        Error(ErrorKind::kInternal, {}, fmt::format("unexpected failure, a defect of lapel: {}", error.what())));
  }
}
