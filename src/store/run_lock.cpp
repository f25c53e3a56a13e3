#include "store/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

#include "lapel/error.h"

namespace lapel::store {

namespace {

/// Who wrote its number into the file.
std::string holder_of(int descriptor) {
  std::array<char, 16> text{};
  const ssize_t length = ::pread(descriptor, text.data(), text.size(), 0);
  return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : std::string("unknown");
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& folder) : file_(folder / kLockFile) {
  constexpr mode_t kMode = 0666;
  while (true) {
    descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kMode);
    if (descriptor_ < 0) {
      throw Error(ErrorKind::kIo, file_.string(), "cannot be made: " + std::generic_category().message(errno), {},
                  "a folder that can be written to");
    }
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const std::string holder = holder_of(descriptor_);
      ::close(descriptor_);
      throw Error(ErrorKind::kUsage, folder.string(), "another process trains in this folder", {{"process", holder}},
                  "waiting until it is done, or another folder");
    }
    // Whoever had it before may have removed the file between our opening and locking it.
    struct stat ours {};
    struct stat there {};
    if (::fstat(descriptor_, &ours) == 0 && ::lstat(file_.c_str(), &there) == 0 && ours.st_ino == there.st_ino) {
      break;
    }
    ::close(descriptor_);
  }
  const std::string number = fmt::format("{}", ::getpid());
  [[maybe_unused]] const int cut = ::ftruncate(descriptor_, 0);
  [[maybe_unused]] const ssize_t written = ::pwrite(descriptor_, number.data(), number.size(), 0);
}

RunLock::~RunLock() {
  ::unlink(file_.c_str());
  ::close(descriptor_);
}

}  // namespace lapel::store
