#include "report/gnuplot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "formats/bytes.h"
#include "lapel/error.h"

namespace lapel::report {

namespace {

namespace fs = std::filesystem;

/// A folder for gnuplot's files beside the plot, under a name that nobody could foresee, so that no link waits there.
/// It is gone at the end, whatever happened.
class DrawingFolder {
 public:
  explicit DrawingFolder(const fs::path& file) {
    const fs::path parent = file.parent_path();
    std::string name = (parent / fmt::format(".{}.tmp-{}-XXXXXX", file.filename().string(), ::getpid())).string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw Error(ErrorKind::kIo, file.string(), "cannot be written: " + std::generic_category().message(errno), {},
                  "a folder that exists and can be written to");
    }
    path_ = name;
    drawn = path_ / "drawn";
    script = path_ / "gnuplot";
    words = path_ / "words";
  }
  ~DrawingFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  DrawingFolder(const DrawingFolder&) = delete;
  DrawingFolder& operator=(const DrawingFolder&) = delete;

  fs::path drawn;
  fs::path script;
  fs::path words;

 private:
  fs::path path_;
};

/// gnuplot's exit code; its words go to a file. Throws Error (kIo) where it cannot be started.
int wait_for_gnuplot(const DrawingFolder& files) {
  std::string name = "gnuplot";
  std::string script = files.script.string();
  const std::array<char*, 3> arguments = {name.data(), script.data(), nullptr};
  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, files.words.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  pid_t child = 0;
  const int failure = ::posix_spawnp(&child, name.c_str(), &actions, nullptr, arguments.data(), ::environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) {
    throw Error(ErrorKind::kIo, "gnuplot", "cannot be started: " + std::generic_category().message(failure), {},
                "apt-get install gnuplot-nox");
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// The quotes of a path, which must stay what they are, are joined to it by their number.
std::string gnuplot_path(std::string_view path) {
  std::string result = "'";
  for (const char c : path) {
    result += c == '\'' ? "' . sprintf('%c', 39) . '" : std::string(1, c);
  }
  return result + "'";
}

std::string canvas(const fs::path& file, const DrawingFolder& files, int width, int height) {
  const std::string ending = file.extension().string();
  if (ending != ".png" && ending != ".svg") {
    throw Error(ErrorKind::kUsage, file.string(), "a plot is a .png or a .svg file", {},
                fs::path(file).replace_extension(".png").string());
  }
  const std::string terminal =
      ending == ".png" ? fmt::format("pngcairo size {},{} font 'DejaVu Sans,10'", width, height)
                       : fmt::format("svg size {},{} dynamic font 'DejaVu Sans,12' background 'white'", width, height);
  return fmt::format("set encoding utf8\nset terminal {} noenhanced\nset output {}\n", terminal,
                     gnuplot_path(files.drawn.string()));
}

}  // namespace

std::string gnuplot_text(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    result += c == '\'' ? "’" : c == '\n' ? " " : std::string(1, c);
  }
  return result + "'";
}

std::string gnuplot_mark(std::string_view text) {
  std::string doubled;
  for (const char c : text) {
    doubled += c == '%' ? "%%" : std::string(1, c);
  }
  return gnuplot_text(doubled);
}

void run_gnuplot(std::string_view script, const fs::path& file, int width, int height) {
  const DrawingFolder files(file);
  constexpr std::string_view kOutput = "@OUTPUT@";
  std::string text(script);
  text.replace(text.find(kOutput), kOutput.size(), canvas(file, files, width, height));
  formats::write_text_file(files.script, text + "\nset output\n");
  const int code = wait_for_gnuplot(files);
  std::error_code missing;
  if (code != 0 || !fs::exists(files.drawn, missing)) {
    const std::string words = formats::read_text_file(files.words);
    constexpr std::size_t kShown = 300;
    throw Error(ErrorKind::kIo, file.string(), "gnuplot could not draw it",
                {{"exit code", fmt::format("{}", code)}, {"it said", words.substr(0, kShown)}}, "gnuplot 5.2 or newer");
  }
  std::error_code failure;
  fs::rename(files.drawn, file, failure);
  if (failure) {
    throw Error(ErrorKind::kIo, file.string(), "cannot be written: " + failure.message());
  }
}

}  // namespace lapel::report
