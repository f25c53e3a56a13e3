#include "plan/optimizer.h"

#include <array>

#include "plan/passes/conv_pool.h"
#include "plan/passes/dense_chain.h"
#include "plan/passes/dense_on_pixels.h"
#include "plan/passes/drop_identities.h"
#include "plan/passes/drop_last_softmax.h"
#include "plan/passes/fold_batch_norm.h"
#include "plan/passes/fuse_activation.h"
#include "plan/passes/pool_before_relu.h"
#include "plan/verify.h"

namespace lapel::plan {

std::span<const Pass> passes() {
  static constexpr std::array kPasses = {
      Pass{"fold_batch_norm", fold_batch_norm},
      Pass{"drop_identities", drop_identities},
      Pass{"drop_last_softmax", drop_last_softmax},
      Pass{"fuse_activation", fuse_activation},
      Pass{"pool_before_relu", pool_before_relu},
      Pass{"conv_pool", conv_pool},
      Pass{"dense_chain", dense_chain},
      Pass{"dense_on_pixels", dense_on_pixels},
  };
  return kPasses;
}

void optimize(Program& program) {
  verify(program, "lowering");
  for (const Pass& pass : passes()) {
    pass.run(program);
    verify(program, pass.name);
  }
}

}  // namespace lapel::plan
