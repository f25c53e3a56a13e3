#pragma once

#include <memory>

#include "kernels/operator.h"

namespace lapel::kernels {

/// Not vectorised: rows of a picture are copied or filled in plain loops.
[[nodiscard]] std::unique_ptr<Operator> make_random_flip_operator(const RandomFlipOp& op, const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_random_erasing_operator(const RandomErasingOp& op,
                                                                     const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_cut_mix_operator(const CutMixOp& op, const BuildOptions& options);

/// Moves between places are mixed in float.
[[nodiscard]] std::unique_ptr<Operator> make_random_translation_operator(const RandomTranslationOp& op,
                                                                         const BuildOptions& options);

/// Gathers from a copy of each picture that has what lies beyond its edges as well.
[[nodiscard]] std::unique_ptr<Operator> make_random_affine_operator(const RandomAffineOp& op,
                                                                    const BuildOptions& options);
[[nodiscard]] std::unique_ptr<Operator> make_mix_up_operator(const MixUpOp& op, const BuildOptions& options);

}  // namespace lapel::kernels
