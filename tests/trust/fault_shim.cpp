// Loaded before the C library (LD_PRELOAD): counts the file operations of the program `lapel` on paths that contain
// $FAULT_PATH, and fails, shortens or kills at the one with the number $FAULT_AT.
//
//   FAULT_MODE   count: only counts; fail: the operation fails with errno $FAULT_ERRNO; short: a write or read is cut
//                in half; kill_before, kill_after: the process is killed before or after the operation
//   FAULT_LOG    a file to which a line `number operation path` goes for each operation
//
// Other programs that lapel starts (gnuplot) are left alone.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

enum class Mode { kOff, kCount, kFail, kShort, kKillBefore, kKillAfter };

template <class F>
F real(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

struct Settings {
  Mode mode = Mode::kOff;
  std::string path = variable("FAULT_PATH");
  long at = std::atol(variable("FAULT_AT").c_str());
  int error = std::atoi(variable("FAULT_ERRNO").c_str());
  int log = -1;

  Settings() {
    const std::string name = variable("FAULT_MODE");
    const bool ours = std::string_view(program_invocation_short_name) == "lapel" && !path.empty();
    mode = !ours                   ? Mode::kOff
           : name == "count"       ? Mode::kCount
           : name == "fail"        ? Mode::kFail
           : name == "short"       ? Mode::kShort
           : name == "kill_before" ? Mode::kKillBefore
           : name == "kill_after"  ? Mode::kKillAfter
                                   : Mode::kOff;
    if (const std::string file = variable("FAULT_LOG"); mode != Mode::kOff && !file.empty()) {
      const int opened =
          real<int (*)(const char*, int, ...)>("open")(file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
      constexpr int kHigh = 900;
      log = ::fcntl(opened, F_DUPFD_CLOEXEC, kHigh);
      real<int (*)(int)>("close")(opened);
    }
  }
};

const Settings& settings() {
  static const Settings all;
  return all;
}

constexpr std::size_t kFiles = 4096;
std::array<std::atomic<bool>, kFiles> watched;
std::atomic<long> count = 0;

bool is_watched(const char* path) {
  return settings().mode != Mode::kOff && path != nullptr && std::strstr(path, settings().path.c_str()) != nullptr;
}
bool is_watched(int file) {
  return settings().mode != Mode::kOff && file >= 0 && static_cast<std::size_t>(file) < kFiles &&
         watched[static_cast<std::size_t>(file)];
}
void watch(int file, bool on) {
  if (file >= 0 && static_cast<std::size_t>(file) < kFiles) {
    watched[static_cast<std::size_t>(file)] = on;
  }
}

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  while (true) {
    ::pause();
  }
}

enum class Fate { kGoOn, kFail, kShort, kKillAfter };

/// Counts an operation. Sets errno where it is to fail.
Fate fate_of(const char* operation, const char* path) {
  const long number = ++count;
  if (settings().log >= 0) {
    const std::string line = std::to_string(number) + " " + operation + " " + path + "\n";
    (void)!real<ssize_t (*)(int, const void*, std::size_t)>("write")(settings().log, line.data(), line.size());
  }
  if (number != settings().at) {
    return Fate::kGoOn;
  }
  switch (settings().mode) {
    case Mode::kKillBefore:
      die();
    case Mode::kKillAfter:
      return Fate::kKillAfter;
    case Mode::kShort:
      return Fate::kShort;
    case Mode::kFail:
      errno = settings().error;
      return Fate::kFail;
    default:
      return Fate::kGoOn;
  }
}

template <class T>
T after(Fate fate, T result) {
  if (fate == Fate::kKillAfter) {
    die();
  }
  return result;
}

/// Runs an operation that returns -1 where it fails.
template <class F>
auto run(const char* operation, const char* path, const F& call) -> decltype(call()) {
  const Fate fate = fate_of(operation, path);
  return fate == Fate::kFail ? -1 : after(fate, call());
}

int watched_from_now(int file) {
  watch(file, true);
  return file;
}

const char* name_of_open(int flags) {
  return (flags & O_CREAT) != 0 ? "create" : (flags & O_DIRECTORY) != 0 ? "open_folder" : "open";
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  static const auto call = real<int (*)(const char*, int, ...)>("open");
  if (!is_watched(path)) {
    return call(path, flags, mode);
  }
  return run(name_of_open(flags), path, [&] { return watched_from_now(call(path, flags, mode)); });
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  static const auto call = real<int (*)(const char*, int, ...)>("open64");
  if (!is_watched(path)) {
    return call(path, flags, mode);
  }
  return run(name_of_open(flags), path, [&] { return watched_from_now(call(path, flags, mode)); });
}

/// Of std::ofstream and std::ifstream.
FILE* fopen64(const char* path, const char* mode) {
  static const auto call = real<FILE* (*)(const char*, const char*)>("fopen64");
  if (!is_watched(path)) {
    return call(path, mode);
  }
  const Fate fate = fate_of(mode[0] == 'r' ? "open" : "create", path);
  if (fate == Fate::kFail) {
    return nullptr;
  }
  FILE* file = call(path, mode);
  if (file != nullptr) {
    watch(::fileno(file), true);
  }
  return after(fate, file);
}

ssize_t write(int file, const void* bytes, std::size_t size) {
  static const auto call = real<ssize_t (*)(int, const void*, std::size_t)>("write");
  if (!is_watched(file)) {
    return call(file, bytes, size);
  }
  const Fate fate = fate_of("write", "");
  return fate == Fate::kFail ? -1 : after(fate, call(file, bytes, fate == Fate::kShort && size > 1 ? size / 2 : size));
}

ssize_t writev(int file, const iovec* parts, int parts_count) {
  static const auto call = real<ssize_t (*)(int, const iovec*, int)>("writev");
  if (!is_watched(file)) {
    return call(file, parts, parts_count);
  }
  const Fate fate = fate_of("write", "");
  return fate == Fate::kFail ? -1 : after(fate, call(file, parts, fate == Fate::kShort ? 1 : parts_count));
}

ssize_t read(int file, void* bytes, std::size_t size) {
  static const auto call = real<ssize_t (*)(int, void*, std::size_t)>("read");
  if (!is_watched(file)) {
    return call(file, bytes, size);
  }
  const Fate fate = fate_of("read", "");
  return fate == Fate::kFail ? -1 : after(fate, call(file, bytes, fate == Fate::kShort && size > 1 ? size / 2 : size));
}

int fsync(int file) {
  static const auto call = real<int (*)(int)>("fsync");
  return is_watched(file) ? run("fsync", "", [&] { return call(file); }) : call(file);
}

int close(int file) {
  static const auto call = real<int (*)(int)>("close");
  if (!is_watched(file)) {
    return call(file);
  }
  watch(file, false);
  const Fate fate = fate_of("close", "");
  const int error = errno;
  const int result = call(file);
  if (fate == Fate::kFail) {
    errno = error;
    return -1;
  }
  return after(fate, result);
}

int rename(const char* from, const char* to) {
  static const auto call = real<int (*)(const char*, const char*)>("rename");
  const bool ours = is_watched(from) || is_watched(to);
  return ours ? run("rename", to, [&] { return call(from, to); }) : call(from, to);
}

int mkdir(const char* path, mode_t mode) {
  static const auto call = real<int (*)(const char*, mode_t)>("mkdir");
  return is_watched(path) ? run("mkdir", path, [&] { return call(path, mode); }) : call(path, mode);
}

int unlink(const char* path) {
  static const auto call = real<int (*)(const char*)>("unlink");
  return is_watched(path) ? run("unlink", path, [&] { return call(path); }) : call(path);
}

int remove(const char* path) {
  static const auto call = real<int (*)(const char*)>("remove");
  return is_watched(path) ? run("remove", path, [&] { return call(path); }) : call(path);
}

/// Of std::filesystem::remove_all.
int unlinkat(int folder, const char* name, int flags) {
  static const auto call = real<int (*)(int, const char*, int)>("unlinkat");
  std::array<char, kFiles> place{};
  const std::string link = "/proc/self/fd/" + std::to_string(folder);
  const ssize_t length = folder < 0 ? 0 : ::readlink(link.c_str(), place.data(), place.size() - 1);
  const std::string path = (length > 0 ? std::string(place.data()) + "/" : std::string()) + name;
  return is_watched(path.c_str()) ? run("unlink", path.c_str(), [&] { return call(folder, name, flags); })
                                  : call(folder, name, flags);
}

}  // extern "C"
