#pragma once

#include <span>
#include <string>

#include "formats/safetensors.h"

namespace lapel::store {

/// CRC-32 in hexadecimal over a text and tensors: `head`, and for each tensor a line `NAME SHAPE CRC`, where CRC is
/// that of its numbers as float32.
[[nodiscard]] std::string content_checksum(std::string head, std::span<const formats::TensorView> tensors);

[[nodiscard]] std::vector<formats::TensorView> views_of(std::span<const formats::Tensor> tensors);

}  // namespace lapel::store
