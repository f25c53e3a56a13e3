#include "formats/bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/memory.h"
#include "formats/gzip.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

constexpr std::size_t kMostAtOnce = std::size_t{1} << 30U;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) {
      ::close(number_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] bool open() const { return number_ >= 0; }
  /// The result of close(2), which may be the first to tell of a failed write.
  int close() { return ::close(std::exchange(number_, -1)); }

 private:
  int number_;
};

/// Removes a file unless told to keep it.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::filesystem::path file) : file_(std::move(file)) {}
  ~TemporaryFile() {
    if (!kept_) {
      ::unlink(file_.c_str());
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  void keep() { kept_ = true; }

 private:
  std::filesystem::path file_;
  bool kept_ = false;
};

std::string system_words(int code) { return std::generic_category().message(code); }

[[noreturn]] void refuse_read(const std::filesystem::path& file, int code) {
  throw Error(ErrorKind::kIo, file.string(), "cannot be read: " + system_words(code));
}

[[noreturn]] void refuse_write(const std::filesystem::path& file, std::size_t bytes, int code) {
  std::string hint;
  if (code == ENOSPC || code == EDQUOT) {
    hint = "free some space, or another folder";
  } else if (code == EFBIG) {
    hint = "a higher limit of the size of files (ulimit -f), or another disk";
  } else if (code == ENOENT || code == EACCES || code == EROFS || code == ENOTDIR) {
    hint = "a folder that exists and can be written to";
  }
  throw Error(ErrorKind::kIo, file.string(), "cannot be written: " + system_words(code),
              {{"wanted", fmt::format("{} bytes", bytes)}}, std::move(hint));
}

/// What the system calls a thing that is no file.
std::string words_for(mode_t mode) {
  return S_ISDIR(mode) ? "folder" : S_ISFIFO(mode) ? "pipe" : S_ISSOCK(mode) ? "socket" : "device";
}

/// A file that is opened to be read. Others are not: a pipe would be waited for, and a device has no end.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& file) : file_(file), descriptor_(open(file)) {
    struct stat status {};
    if (!descriptor_.open() || ::fstat(descriptor_.get(), &status) != 0) {
      refuse_read(file, errno);
    }
    check(file, status.st_mode);
    size_ = static_cast<std::uint64_t>(status.st_size);
  }

  [[nodiscard]] std::uint64_t size() const { return size_; }

  /// The next bytes, as many as there is room for; fewer at the end of the file.
  std::size_t read(std::span<std::uint8_t> to) {
    std::size_t length = 0;
    while (length < to.size()) {
      const ssize_t got = ::read(descriptor_.get(), to.data() + length, std::min(kMostAtOnce, to.size() - length));
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got < 0) {
        refuse_read(file_, errno);
      }
      if (got == 0) {
        break;
      }
      length += static_cast<std::size_t>(got);
    }
    return length;
  }

 private:
  static void check(const std::filesystem::path& file, mode_t mode) {
    if (!S_ISREG(mode)) {
      throw Error(ErrorKind::kIo, file.string(), fmt::format("is a {}, a file is wanted", words_for(mode)));
    }
  }

  /// Opening a device can already do something, so it is looked at before.
  static int open(const std::filesystem::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
      return -1;
    }
    check(file, status.st_mode);
    return ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  }

  const std::filesystem::path& file_;
  Descriptor descriptor_;
  std::uint64_t size_ = 0;
};

std::vector<std::uint8_t> read_as_is(const std::filesystem::path& file, const ReadLimits& limits) {
  OpenFile open(file);
  if (open.size() > limits.most) {
    throw Error(ErrorKind::kData, file.string(), fmt::format("has {} bytes, more than {}", open.size(), limits.most));
  }
  constexpr std::size_t kFirst = 4096;
  std::vector<std::uint8_t> bytes(kFirst);
  std::size_t length = open.read(bytes);
  if (limits.look && !is_gzip(bytes)) {
    limits.look(std::span(bytes).first(length), std::max<std::uint64_t>(open.size(), length));
  }
  if (open.size() > kWorthChecking) {
    try {
      check_memory(std::array{MemoryWish{"the file", open.size()}}, free_memory(), "a smaller file, or more memory");
    } catch (const Error& error) {
      throw error.within(file.string());
    }
  }
  // One byte more than the file is said to have, so that its end is seen without growing.
  bytes.resize(std::max<std::size_t>(bytes.size(), open.size() + 1));
  while (true) {
    length += open.read(std::span(bytes).subspan(length));
    if (length < bytes.size() || length > limits.most) {
      break;
    }
    bytes.resize(bytes.size() * 2);
  }
  bytes.resize(length);
  return bytes;
}

/// 0, or the errno of the write that failed.
int write_all(int descriptor, std::span<const std::span<const std::uint8_t>> parts) {
  for (auto rest : parts) {
    while (!rest.empty()) {
      const ssize_t done = ::write(descriptor, rest.data(), std::min(kMostAtOnce, rest.size()));
      if (done < 0 && errno == EINTR) {
        continue;
      }
      if (done < 0) {
        return errno;
      }
      rest = rest.subspan(static_cast<std::size_t>(done));
    }
  }
  return 0;
}

/// Some file systems cannot sync a folder and say so with EINVAL; that is no failure.
int sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.open()) {
    return errno == EACCES ? 0 : errno;
  }
  return ::fsync(descriptor.get()) != 0 && errno != EINVAL ? errno : 0;
}

/// A device or pipe cannot be replaced, only written to. One that nobody reads is not waited for.
int write_in_place(const std::filesystem::path& file, std::span<const std::span<const std::uint8_t>> parts) {
  Descriptor descriptor(::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!descriptor.open() || ::fcntl(descriptor.get(), F_SETFL, 0) != 0) {
    return errno;
  }
  const int failure = write_all(descriptor.get(), parts);
  return failure != 0 || descriptor.close() == 0 ? failure : errno;
}

int write_and_rename(const std::filesystem::path& file, std::span<const std::span<const std::uint8_t>> parts) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  const std::filesystem::path beside = folder / fmt::format(".{}.tmp-{}", file.filename().string(), ::getpid());
  constexpr mode_t kMode = 0666;
  constexpr int kFresh = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int number = ::open(beside.c_str(), kFresh, kMode);
  if (number < 0 && errno == EEXIST && ::unlink(beside.c_str()) == 0) {  // Left by a kill, or planted: never opened.
    number = ::open(beside.c_str(), kFresh, kMode);
  }
  Descriptor descriptor(number);
  if (!descriptor.open()) {
    return errno;
  }
  TemporaryFile temporary(beside);
  if (const int failure = write_all(descriptor.get(), parts); failure != 0) {
    return failure;
  }
  if (::fsync(descriptor.get()) != 0 || descriptor.close() != 0 || ::rename(beside.c_str(), file.c_str()) != 0) {
    return errno;
  }
  temporary.keep();
  return sync_folder(folder);
}

/// Links of the system's own, as /dev/stdout, are followed; any other is itself what is replaced.
std::filesystem::file_type type_to_write(const std::filesystem::path& file) {
  std::error_code ignored;
  const std::string name = std::filesystem::absolute(file, ignored).lexically_normal().string();
  const bool of_system = (name.starts_with("/dev/") && !name.starts_with("/dev/shm/")) || name.starts_with("/proc/");
  return (of_system ? std::filesystem::status(file, ignored) : std::filesystem::symlink_status(file, ignored)).type();
}

/// Of a name `.X.tmp-123...` the 123; 0 for others.
pid_t writer_of(std::string_view name) {
  constexpr std::string_view kMark = ".tmp-";
  const std::size_t at = name.rfind(kMark);
  pid_t number = 0;
  if (name.starts_with('.') && at != std::string_view::npos) {
    const std::string_view digits = name.substr(at + kMark.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
  }
  return number;
}

/// 0, or the errno of what failed.
int write_behind(const std::filesystem::path& file, std::uint64_t length, std::string_view bytes) {
  constexpr mode_t kMode = 0666;
  const int create = length == 0 ? O_CREAT : 0;
  Descriptor descriptor(::open(file.c_str(), O_WRONLY | create | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, kMode));
  const auto offset = static_cast<off_t>(length);
  if (!descriptor.open() || ::ftruncate(descriptor.get(), offset) != 0 ||
      ::lseek(descriptor.get(), offset, SEEK_SET) < 0) {
    return errno;
  }
  const std::array parts = {std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size())};
  const int failure = write_all(descriptor.get(), parts);
  return failure != 0 || descriptor.close() == 0 ? failure : errno;
}

}  // namespace

std::vector<std::uint8_t> read_file(const std::filesystem::path& file, const ReadLimits& limits) {
  try {
    std::vector<std::uint8_t> bytes = read_as_is(file, limits);
    return is_gzip(bytes) ? gunzip(bytes, file.string(), limits) : bytes;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kIo, file.string(), "cannot be read: there is not enough memory for its content");
  } catch (const std::length_error&) {
    throw Error(ErrorKind::kIo, file.string(), "cannot be read: it is larger than all memory");
  }
}

std::string read_text_file(const std::filesystem::path& file, const ReadLimits& limits) {
  const std::vector<std::uint8_t> bytes = read_file(file, limits);
  return {bytes.begin(), bytes.end()};
}

bool is_there(const std::filesystem::path& path) {
  std::error_code failure;
  const std::filesystem::file_status status = std::filesystem::status(path, failure);
  if (status.type() == std::filesystem::file_type::none) {
    refuse_read(path, failure.value());
  }
  return std::filesystem::exists(status);
}

bool is_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return is_there(path) && std::filesystem::is_directory(path, ignored);
}

std::vector<std::uint8_t> read_begin(const std::filesystem::path& file, std::size_t count) {
  OpenFile open(file);
  std::vector<std::uint8_t> bytes(count);
  bytes.resize(open.read(bytes));
  return bytes;
}

void write_file(const std::filesystem::path& file, std::span<const std::uint8_t> bytes) {
  write_file_parts(file, std::array{bytes});
}

void write_text_file(const std::filesystem::path& file, std::string_view text) {
  write_file(file, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void remove_leftovers(const std::filesystem::path& folder) noexcept {
  try {
    std::error_code problem;
    std::filesystem::directory_iterator entry(folder, problem);
    for (; !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
      const pid_t writer = writer_of(entry->path().filename().string());
      if (writer > 0 && ::kill(writer, 0) != 0 && errno == ESRCH) {
        std::error_code ignored;
        std::filesystem::remove_all(entry->path(), ignored);
      }
    }
  } catch (const std::bad_alloc&) {
    return;  // They take room and do no harm.
  }
}

void extend_file(const std::filesystem::path& file, std::uint64_t length, std::string_view bytes) {
  if (const int failure = write_behind(file, length, bytes); failure != 0) {
    refuse_write(file, bytes.size(), failure);
  }
}

void write_file_parts(const std::filesystem::path& file, std::span<const std::span<const std::uint8_t>> parts) {
  using std::filesystem::file_type;
  const file_type type = type_to_write(file);
  const bool replaceable = type == file_type::regular || type == file_type::symlink || type == file_type::not_found ||
                           type == file_type::none;
  int failure = EISDIR;
  if (type != file_type::directory) {
    failure = replaceable ? write_and_rename(file, parts) : write_in_place(file, parts);
  }
  if (failure != 0) {
    std::size_t bytes = 0;
    for (const auto& part : parts) {
      bytes += part.size();
    }
    refuse_write(file, bytes, failure);
  }
}

}  // namespace lapel::formats
