#include "store/content_checksum.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>

#include "formats/checksum.h"

namespace lapel::store {

std::string content_checksum(std::string head, std::span<const formats::TensorView> tensors) {
  const auto crc_of = [](const void* data, std::size_t bytes) {
    return formats::crc32_of({static_cast<const std::uint8_t*>(data), bytes});
  };
  for (const auto& tensor : tensors) {
    head += fmt::format("\n{} {} {:08x}", tensor.name, fmt::join(tensor.shape, ","),
                        crc_of(tensor.values.data(), tensor.values.size_bytes()));
  }
  return fmt::format("{:08x}", crc_of(head.data(), head.size()));
}

std::vector<formats::TensorView> views_of(std::span<const formats::Tensor> tensors) {
  std::vector<formats::TensorView> views;
  for (const auto& tensor : tensors) {
    views.push_back({tensor.name, tensor.shape, tensor.values});
  }
  return views;
}

}  // namespace lapel::store
