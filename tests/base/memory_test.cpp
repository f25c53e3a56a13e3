#include "base/memory.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>

#include "lapel/error.h"
#include "support/messages.h"
#include "support/temp_folder.h"

namespace lapel {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMega = std::size_t{1} << 20U;

/// A system's files, made up.
class FreeMemory : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) const {
    fs::create_directories((temp_.path() / name).parent_path());
    (void)temp_.put(name, text);
  }
  [[nodiscard]] std::size_t free() const { return free_memory_in(temp_.path()); }

 private:
  testing::TempFolder temp_;
};

TEST_F(FreeMemory, IsWhatTheSystemHasAvailable) {
  EXPECT_EQ(free(), std::numeric_limits<std::size_t>::max()) << "where nothing is known, nothing is refused";
  put("proc/meminfo", "MemTotal:  9000000 kB\nMemFree:  1 kB\nMemAvailable:  4096 kB\n");
  EXPECT_EQ(free(), 4 * kMega);
}

TEST_F(FreeMemory, IsWhatTheNarrowestControlGroupLeaves) {
  put("proc/meminfo", "MemAvailable:  9000000 kB\n");
  put("proc/self/cgroup", "0::/outer/inner\n");
  put("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  put("sys/fs/cgroup/outer/inner/memory.current", "1048576\n");
  EXPECT_EQ(free(), std::size_t{9000000} * 1024);
  put("sys/fs/cgroup/outer/memory.max", "104857600\n");
  put("sys/fs/cgroup/outer/memory.current", "62914560\n");
  EXPECT_EQ(free(), 40 * kMega);
  put("sys/fs/cgroup/outer/memory.stat", "anon 5\ninactive_file 20971520\nactive_file 7\n");
  EXPECT_EQ(free(), 60 * kMega) << "the cache of files is given up";
}

TEST_F(FreeMemory, KnowsVersion1OfControlGroups) {
  put("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/job\n");
  put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "10485760\n");
  put("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "20971520\n");
  EXPECT_EQ(free(), 0U) << "more is in use than is allowed";
  put("sys/fs/cgroup/memory/job/memory.stat", "total_inactive_file 15728640\n");
  EXPECT_EQ(free(), 5 * kMega);
}

TEST(CheckMemory, NamesEveryWishAndWhatIsFree) {
  const std::array wishes = {MemoryWish{"weights", 3'000'000}, MemoryWish{"activations of 8 pictures", 2'500'000}};
  EXPECT_NO_THROW(check_memory(wishes, 5'500'000, "less"));
  EXPECT_EQ(test::message_of([&] {
              check_memory(wishes, 5'499'999, "less");
              return 0;
            }),
            "there is not enough memory\n"
            "  weights  3.0 MB        activations of 8 pictures  2.5 MB        free  5.5 MB        try  less");
  const std::array beyond = {MemoryWish{"a", std::numeric_limits<std::size_t>::max()}, MemoryWish{"b", 2}};
  EXPECT_THROW(check_memory(beyond, 100, "less"), Error) << "sums do not wrap around";
}

}  // namespace
}  // namespace lapel
