#pragma once

#include <memory>

#include "kernels/operator.h"

/// The random operators on pictures: batch x h x w x c of `options.dtype` to the same shape; the identity in evaluation
/// and before their start_epoch; no gradient. Each changes picture s by the numbers of its own stream (ops.h), so that
/// neither the batch nor the threads have a part in it. Throw Error (kInternal) where a step has not as many samples as
/// the batch.
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
