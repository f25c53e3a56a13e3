#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/onednn/compat.h"

namespace lapel::kernels {

/// One argument of a primitive: its DNNL_ARG number, layout and memory.
struct PrimitiveArgument {
  int name = 0;
  MemoryDesc layout;
  const void* data = nullptr;
};

/// One primitive with its arguments prepared, so that running it makes nothing anew.
class OnednnPrimitive {
 public:
  explicit OnednnPrimitive(const PrimitiveDesc& desc);

  [[nodiscard]] std::string implementation() const { return implementation_; }
  [[nodiscard]] std::size_t scratchpad_bytes() const { return scratchpad_.get_size(); }

  /// Arguments with an empty layout (no bias) are left out. Throws Error (kInternal).
  void bind(std::initializer_list<PrimitiveArgument> arguments, void* scratchpad);

  /// Throws Error (kInternal) with the status where the library fails.
  void run() const;

 private:
  dnnl::primitive primitive_;
  MemoryDesc scratchpad_;
  std::string implementation_;
  dnnl::stream stream_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

/// Copies one operand between the layout it has and the one it must have; nothing where they are the same.
class OnednnConversion {
 public:
  OnednnConversion() = default;
  OnednnConversion(const MemoryDesc& from, const MemoryDesc& to);

  [[nodiscard]] bool needed() const { return reorder_.has_value(); }
  void bind(const void* from, void* to, void* scratchpad);
  void run() const;
  [[nodiscard]] std::size_t scratchpad_bytes() const { return reorder_ ? reorder_->scratchpad_bytes() : 0; }

 private:
  MemoryDesc from_;
  MemoryDesc to_;
  std::optional<OnednnPrimitive> reorder_;
};

/// Throws Error (kInternal) for a failure of oneDNN.
[[noreturn]] void throw_onednn_error(std::string_view place, const dnnl::error& error);

/// Calls `work`; what oneDNN throws becomes Error (kInternal) at `place`.
template <class Work>
auto with_onednn_errors(std::string_view place, const Work& work) {
  try {
    return work();
  } catch (const dnnl::error& error) {
    throw_onednn_error(place, error);
  }
}

}  // namespace lapel::kernels
