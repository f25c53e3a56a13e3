#include "base/memory.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "lapel/error.h"

namespace lapel {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

/// The first number of a file; nothing for `max` and where there is no such file.
std::optional<std::size_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  std::size_t number = 0;
  return in >> number ? std::optional(number) : std::nullopt;
}

/// The number behind `name` at the beginning of a line.
std::optional<std::size_t> number_after(const fs::path& file, std::string_view name) {
  std::ifstream in(file);
  std::string word;
  while (in >> word) {
    std::size_t number = 0;
    if (word == name && in >> number) {
      return number;
    }
    in.clear();
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

/// Names of files in a control group.
struct GroupFiles {
  const char* limit;
  const char* used;
  const char* reclaimable;  ///< In memory.stat: what the system gives up when asked.
};

/// The least that the group at `folder` and those around it, up to `top`, leave.
std::size_t left_in_groups(fs::path folder, const fs::path& top, const GroupFiles& names) {
  std::size_t left = kUnlimited;
  while (true) {
    const auto limit = number_in(folder / names.limit);
    if (const auto used = number_in(folder / names.used); limit && used) {
      const std::size_t given_up = number_after(folder / "memory.stat", names.reclaimable).value_or(0);
      const std::size_t kept = *used - std::min(*used, given_up);
      left = std::min(left, *limit - std::min(*limit, kept));
    }
    if (folder == top || !folder.has_relative_path()) {
      return left;
    }
    folder = folder.parent_path();
  }
}

std::size_t left_in_control_groups(const fs::path& root) {
  std::size_t left = kUnlimited;
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = fs::path(line.substr(second + 1)).relative_path();
    if (controllers.empty()) {
      const fs::path top = root / "sys/fs/cgroup";
      left = std::min(left, left_in_groups((top / group).lexically_normal(), top,
                                           {"memory.max", "memory.current", "inactive_file"}));
    } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      const fs::path top = root / "sys/fs/cgroup/memory";
      left = std::min(left, left_in_groups((top / group).lexically_normal(), top,
                                           {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}));
    }
  }
  return left;
}

std::size_t left_of_addresses() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return kUnlimited;
  }
  const std::size_t used = number_in("/proc/self/statm").value_or(0) * static_cast<std::size_t>(::getpagesize());
  return limit.rlim_cur - std::min<std::size_t>(limit.rlim_cur, used);
}

std::string megabytes(std::size_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

}  // namespace

std::size_t free_memory_in(const fs::path& root) {
  constexpr std::size_t kKilobyte = 1024;
  const auto available = number_after(root / "proc/meminfo", "MemAvailable:");
  return std::min(available ? *available * kKilobyte : kUnlimited, left_in_control_groups(root));
}

std::size_t free_memory() { return std::min(free_memory_in("/"), left_of_addresses()); }

void check_memory(std::span<const MemoryWish> wishes, std::size_t free, const std::string& hint) {
  std::size_t sum = 0;
  std::vector<ErrorFact> facts;
  for (const MemoryWish& wish : wishes) {
    if (__builtin_add_overflow(sum, wish.bytes, &sum)) {
      sum = kUnlimited;
    }
    facts.push_back({wish.what, megabytes(wish.bytes)});
  }
  if (sum > free) {
    facts.push_back({"free", megabytes(free)});
    throw Error(ErrorKind::kIo, {}, "there is not enough memory", std::move(facts), hint);
  }
}

}  // namespace lapel
