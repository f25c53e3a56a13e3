#pragma once

#include <cstddef>
#include <string>

namespace lapel::kernels {

/// The number type of activations and of the copies of weights that products read. Sums, master weights,
/// gradients of weights and optimizer state are always float.
enum class Dtype { kFloat32, kBfloat16 };

[[nodiscard]] constexpr std::size_t dtype_bytes(Dtype dtype) { return dtype == Dtype::kFloat32 ? 4 : 2; }

/// What this machine is, for run folders and for `precision = "auto"`.
struct Cpu {
  std::string model;            ///< `AMD EPYC, family 26, model 2`; `unknown CPU` without /proc/cpuinfo
  std::string isa;              ///< The best instruction set that oneDNN may use: `avx2`, `avx512_core_bf16`, ...
  bool fast_bfloat16 = false;   ///< AMX-BF16 or AVX512-BF16.
  bool bfloat16_tiles = false;  ///< AMX-BF16.
  std::size_t near_bytes = 0;   ///< Of the nearest cache of data; 0 where the system does not say.
};

/// Found at the first call, which also applies the environment variable LAPEL_ISA: the most that oneDNN, the SIMD
/// kernels and this answer may make use of; one of `avx2`, `avx512`, `avx512_bf16`, `amx`. Throws Error (kUsage) for
/// another value, for one that the CPU lacks, and where the program used oneDNN before Lapel: oneDNN takes its limit
/// once, before its first use. Every call gives the same answer, or throws the same.
[[nodiscard]] const Cpu& cpu();

/// `oneDNN 2.6.3`: the arithmetic library that is linked.
[[nodiscard]] std::string onednn_version();

}  // namespace lapel::kernels
