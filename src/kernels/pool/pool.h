#pragma once

#include <memory>

#include "kernels/operator.h"

namespace lapel::kernels {

/// The largest of each window; not for windows of more than 256 places (255 with a relu), nor for means. Keeps the
/// place of each maximum from forward to backward, a byte each. A NaN wins.
[[nodiscard]] bool is_max_pool_supported(const Pool2DOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_max_pool_operator(const Pool2DOp& op, const BuildOptions& options);

/// A maximum keeps its places from forward to backward, 4 bytes each. A NaN wins.
[[nodiscard]] std::unique_ptr<Operator> make_global_pool_operator(const GlobalPool2DOp& op,
                                                                  const BuildOptions& options);

}  // namespace lapel::kernels
