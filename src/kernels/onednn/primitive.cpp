#include "kernels/onednn/primitive.h"

#include <fmt/format.h>
#include <oneapi/dnnl/dnnl_debug.h>

#include "kernels/cpu.h"
#include "lapel/error.h"

namespace lapel::kernels {

void throw_onednn_error(std::string_view place, const dnnl::error& error) {
  throw Error(ErrorKind::kInternal, std::string(place), fmt::format("oneDNN: {}", error.what()),
              {{"status", dnnl_status2str(error.status)}, {"library", onednn_version()}});
}

OnednnPrimitive::OnednnPrimitive(const PrimitiveDesc& desc)
    : primitive_(desc.get()),
      scratchpad_(desc.scratchpad_desc()),
      implementation_(desc.impl_info_str()),
      stream_(onednn_engine()) {}

void OnednnPrimitive::bind(std::initializer_list<PrimitiveArgument> arguments, void* scratchpad) {
  memories_.clear();
  arguments_.clear();
  const auto add = [&](int name, const MemoryDesc& layout, const void* data) {
    if (layout.get_size() == 0) {
      return;
    }
    if (data == nullptr) {
      throw Error(ErrorKind::kInternal, implementation_, fmt::format("argument {} has no memory", name),
                  {{"bytes", std::to_string(layout.get_size())}});
    }
    // The library takes inputs, too, as pointers to what may be written.
    memories_.emplace_back(layout, onednn_engine(), const_cast<void*>(data));
    arguments_.push_back({name, memories_.back().get()});
  };
  with_onednn_errors(implementation_, [&] {
    for (const auto& argument : arguments) {
      add(argument.name, argument.layout, argument.data);
    }
    add(DNNL_ARG_SCRATCHPAD, scratchpad_, scratchpad);
  });
}

// The C function, since the C++ one takes a map of arguments and allocates for each run.
void OnednnPrimitive::run() const {
  const dnnl_status_t status =
      dnnl_primitive_execute(primitive_.get(), stream_.get(), static_cast<int>(arguments_.size()), arguments_.data());
  if (status != dnnl_success) {
    throw Error(ErrorKind::kInternal, implementation_, "oneDNN could not run a primitive",
                {{"status", dnnl_status2str(status)}, {"library", onednn_version()}});
  }
}

OnednnConversion::OnednnConversion(const MemoryDesc& from, const MemoryDesc& to) : from_(from), to_(to) {
  if (from != to) {
    reorder_.emplace(reorder(from, to));
  }
}

void OnednnConversion::bind(const void* from, void* to, void* scratchpad) {
  if (reorder_) {
    reorder_->bind({{DNNL_ARG_FROM, from_, from}, {DNNL_ARG_TO, to_, to}}, scratchpad);
  }
}

void OnednnConversion::run() const {
  if (reorder_) {
    reorder_->run();
  }
}

}  // namespace lapel::kernels
