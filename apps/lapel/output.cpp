#include "output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "lapel/error.h"

namespace lapel::app {

Output::Output() {
  const char* kind = std::getenv("TERM");
  terminal_ = isatty(STDOUT_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

std::size_t Output::columns() const {
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

namespace {

/// The length of the control character at the beginning of `text`, in UTF-8; 0 for anything else.
std::size_t control_length(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text.front());
  const bool c1 = byte == 0xC2 && text.size() > 1 && (static_cast<unsigned char>(text[1]) & 0xE0U) == 0x80U;
  return c1 ? 2 : (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F ? 1 : 0;
}

}  // namespace

std::string visible(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = control_length(text);
    if (length > 0) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[length - 1]));
    } else {
      result += text.front();
    }
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return result;
}

void Output::print(std::string_view text) { write_all(visible(text)); }

void Output::redraw(std::string_view line) {
  constexpr std::string_view kClearToEndOfLine = "\x1b[K";
  write_all(fmt::format("\r{}{}", visible(line), kClearToEndOfLine));
}

void Output::write_all(std::string_view text) {
  while (error_ == 0 && !text.empty()) {
    const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
}

void Output::finish() const {
  if (error_ != 0 && error_ != EPIPE) {
    throw Error(ErrorKind::kIo, "standard output", "cannot be written",
                {{"system", std::generic_category().message(error_)}}, "another place to write to");
  }
}

void reserve_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) == -1) {
      // Opened the wrong way round, so that using it still fails.
      [[maybe_unused]] const int opened = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
  }
}

}  // namespace lapel::app
