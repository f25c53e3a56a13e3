#include "base/buffer.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "lapel/error.h"

namespace lapel {

void Buffer::Free::operator()(std::byte* memory) const { std::free(memory); }

Buffer::Buffer(std::size_t bytes) : size_(bytes) {
  if (bytes == 0) {
    return;
  }
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, aligned(bytes))));
  if (!data_) {
    throw Error(ErrorKind::kIo, {}, fmt::format("no memory for {:.1f} MB", static_cast<double>(bytes) / 1e6), {},
                "a smaller batch_size or model");
  }
  std::memset(data_.get(), 0, aligned(bytes));
}

}  // namespace lapel
