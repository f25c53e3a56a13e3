#pragma once

#include <filesystem>

namespace lapel::store {

/// Holds a run folder for one process, so that no two write into it. Another program, or a kill, frees it.
class RunLock {
 public:
  /// Throws Error (kUsage) where another process has it, which is named; (kIo) where the folder cannot be written to.
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

/// The name of its file within the folder.
inline constexpr const char* kLockFile = ".lock";

}  // namespace lapel::store
