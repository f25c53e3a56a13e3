#include "base/buffer.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "base/memory.h"
#include "lapel/error.h"

namespace lapel {

namespace {

/// From this size on memory is asked for in pages of this size: kernels that walk through megabytes with a stride then
/// do not wait for the addresses of small ones. Where the system has none, small pages do.
constexpr std::size_t kHugePage = std::size_t{1} << 21U;

}  // namespace

void Buffer::Free::operator()(std::byte* memory) const { std::free(memory); }

Buffer::Buffer(std::size_t bytes) : size_(bytes) {
  if (bytes == 0) {
    return;
  }
  constexpr const char* kHint = "a smaller batch_size or model";
  if (bytes >= kWorthChecking) {
    // What is beyond is often given out all the same, and who takes it is killed.
    check_memory(std::array{MemoryWish{"wanted", bytes}}, free_memory(), kHint);
  }
  const bool huge = bytes >= kHugePage;
  void* memory = nullptr;
  const int failed = posix_memalign(&memory, huge ? kHugePage : kAlignment, aligned(bytes));
  data_.reset(static_cast<std::byte*>(failed == 0 ? memory : nullptr));
  if (!data_) {
    throw Error(ErrorKind::kIo, {}, fmt::format("no memory for {:.1f} MB", static_cast<double>(bytes) / 1e6), {},
                kHint);
  }
  if (huge) {
    // What is left over stays in small pages.
    (void)madvise(data_.get(), bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
  }
  std::memset(data_.get(), 0, aligned(bytes));
}

std::size_t near_cache_bytes() { return static_cast<std::size_t>(std::max(0L, sysconf(_SC_LEVEL1_DCACHE_SIZE))); }

}  // namespace lapel
