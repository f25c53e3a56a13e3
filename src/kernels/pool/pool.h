#pragma once

#include <memory>

#include "kernels/operator.h"

namespace lapel::kernels {

/// The largest of each window; not for windows of more than 256 places (255 with a relu), nor for means. Keeps the
/// place of each maximum from forward to backward, a byte each. A NaN wins. Input batch x h x w x c, output of the
/// pooled height and width, both of `options.dtype`; the same bits as the plain operator's.
[[nodiscard]] bool is_max_pool_supported(const Pool2DOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_max_pool_operator(const Pool2DOp& op, const BuildOptions& options);

/// Maximum or mean of all places of a picture, batch x h x w x c to batch x c. A maximum keeps its places from forward
/// to backward, 4 bytes each. A NaN wins. Means are summed in float, in the order of the places.
[[nodiscard]] std::unique_ptr<Operator> make_global_pool_operator(const GlobalPool2DOp& op,
                                                                  const BuildOptions& options);

}  // namespace lapel::kernels
