#include "kernels/cpu.h"

#include <fmt/format.h>

#include <fstream>
#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/onednn_compat.h"

namespace lapel::kernels {
namespace {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (line.starts_with("model name") && colon != std::string::npos) {
      const auto start = line.find_first_not_of(" \t", colon + 1);
      return start == std::string::npos ? "unknown CPU" : line.substr(start);
    }
  }
  return "unknown CPU";
}

}  // namespace

const Cpu& cpu() {
  static const Cpu found = [] {
    const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
    // The values are sets of bits: each instruction set has those of the sets it contains.
    const auto bits = static_cast<unsigned>(isa);
    const auto has = [&](dnnl::cpu_isa wanted) {
      return (bits & static_cast<unsigned>(wanted)) == static_cast<unsigned>(wanted);
    };
    return Cpu{cpu_model(), isa_name(isa), has(dnnl::cpu_isa::avx512_core_bf16), has(dnnl::cpu_isa::avx512_core_amx)};
  }();
  return found;
}

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace lapel::kernels
