#include "kernels/cpu.h"

#include <fmt/format.h>
#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <oneapi/dnnl/dnnl.hpp>
#include <string_view>
#include <utility>
#include <variant>

#include "base/buffer.h"
#include "kernels/onednn/compat.h"
#include "lapel/error.h"

namespace lapel::kernels {
namespace {

/// `AMD EPYC, family 26, model 2`: hypervisors leave of a name what many kinds of CPU have in common.
std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  std::string name = "unknown CPU";
  std::string family;
  std::string model;
  // The first processor's lines end with an empty one.
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const auto colon = line.find(':');
    const auto start = colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
    if (start == std::string::npos) {
      continue;
    }
    const std::string key = line.substr(0, line.find_last_not_of(" \t:", colon) + 1);
    std::string value = line.substr(start);
    if (key == "model name") {
      name = std::move(value);
    } else if (key == "cpu family") {
      family = std::move(value);
    } else if (key == "model") {
      model = std::move(value);
    }
  }
  return family.empty() || model.empty() ? name : fmt::format("{}, family {}, model {}", name, family, model);
}

/// What a value of LAPEL_ISA allows.
struct IsaLimit {
  std::string_view name;
  dnnl::cpu_isa onednn;
  std::int64_t forbidden;  ///< Highway's targets: the better one has the lower bit.
};

constexpr std::array kIsaLimits = {
    IsaLimit{"avx2", dnnl::cpu_isa::avx2, HWY_AVX2 - 1},
    IsaLimit{"avx512", dnnl::cpu_isa::avx512_core, HWY_AVX3 - 1},
    IsaLimit{"avx512_bf16", dnnl::cpu_isa::avx512_core_bf16, 0},
    IsaLimit{"amx", dnnl::cpu_isa::avx512_core_amx, 0},
};

/// oneDNN's values are sets of bits: each instruction set has those of the sets it contains.
bool contains(dnnl::cpu_isa whole, dnnl::cpu_isa part) {
  return (static_cast<unsigned>(whole) & static_cast<unsigned>(part)) == static_cast<unsigned>(part);
}

Error isa_error(std::string_view name, std::string problem, ErrorFact fact) {
  return {ErrorKind::kUsage,
          fmt::format("LAPEL_ISA={}", name),
          std::move(problem),
          {std::move(fact)},
          "one of these, or the variable not set"};
}

/// `avx2, avx512`: the values of LAPEL_ISA within `isa`.
std::string values_within(dnnl::cpu_isa isa) {
  std::string values;
  for (const IsaLimit& limit : kIsaLimits) {
    if (contains(isa, limit.onednn)) {
      values += fmt::format("{}{}", values.empty() ? "" : ", ", limit.name);
    }
  }
  return values.empty() ? "none" : values;
}

void apply_limit(std::string_view name) {
  const auto* const limit =
      std::find_if(kIsaLimits.begin(), kIsaLimits.end(), [&](const IsaLimit& known) { return known.name == name; });
  if (limit == kIsaLimits.end()) {
    throw isa_error(name, "there is no such set of instructions", {"allowed", values_within(kIsaLimits.back().onednn)});
  }
  if (dnnl::set_max_cpu_isa(limit->onednn) != dnnl::status::success) {
    throw Error(ErrorKind::kUsage, fmt::format("LAPEL_ISA={}", name),
                "comes too late: oneDNN was used before Lapel in this program");
  }
  if (const auto isa = dnnl::get_effective_cpu_isa(); !contains(isa, limit->onednn)) {
    throw isa_error(name, "this CPU does not have these instructions", {"it has", values_within(isa)});
  }
  hwy::DisableTargets(limit->forbidden);
}

Cpu find_cpu() {
  if (const char* limit = std::getenv("LAPEL_ISA"); limit != nullptr && *limit != '\0') {
    apply_limit(limit);
  }
  const dnnl::cpu_isa isa = dnnl::get_effective_cpu_isa();
  return {cpu_model(), isa_name(isa), contains(isa, dnnl::cpu_isa::avx512_core_bf16),
          contains(isa, dnnl::cpu_isa::avx512_core_amx), near_cache_bytes()};
}

}  // namespace

const Cpu& cpu() {
  // The error is kept too: oneDNN takes a limit once, so that a second attempt would fail otherwise.
  static const std::variant<Cpu, Error> kFound = []() -> std::variant<Cpu, Error> {
    try {
      return find_cpu();
    } catch (const Error& error) {
      return error;
    }
  }();
  if (const auto* error = std::get_if<Error>(&kFound)) {
    throw Error(*error);
  }
  return std::get<Cpu>(kFound);
}

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

}  // namespace lapel::kernels
