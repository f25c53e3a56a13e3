#include "kernels/augment/augmentation.h"
#include "kernels/reference/operators.h"

namespace lapel::kernels {

namespace {

class ReferenceMixUp final : public ReferenceOperator {
 public:
  ReferenceMixUp(const MixUpOp& op, const BuildOptions& options) : ReferenceOperator(options), op_(op) {}

  void forward(const StepState& state) override {
    for (std::int64_t row = 0; row < batch(); ++row) {
      double weight = 1;
      std::int64_t partner = row;
      if (state.training) {
        weight = static_cast<double>(draw_mix_up(op_, random_of_row(state, op_.unit, row)));
        partner = partner_of(row, partner_distance(state, op_.unit), batch());
      }
      for (std::int64_t i = 0; i < op_.size; ++i) {
        const double own = input()[row * op_.size + i];
        mutable_output().set(row * op_.size + i, weight * own + (1 - weight) * input()[partner * op_.size + i]);
      }
    }
  }
  void backward(const StepState& /*state*/) override {}

 private:
  MixUpOp op_;
};

class ReferenceCutMix final : public ReferenceOperator {
 public:
  ReferenceCutMix(const CutMixOp& op, const BuildOptions& options) : ReferenceOperator(options), op_(op) {}

  void forward(const StepState& state) override {
    const Shape& in = op_.in;
    for (std::int64_t row = 0; row < batch(); ++row) {
      Box box;
      std::int64_t partner = row;
      if (state.training) {
        box = draw_cut_mix(op_, random_of_row(state, op_.unit, row));
        partner = partner_of(row, partner_distance(state, op_.unit), batch());
      }
      for (std::int64_t i = 0; i < in.size(); ++i) {
        const std::int64_t x = i / in.channels % in.width;
        const std::int64_t y = i / in.channels / in.width;
        mutable_output().set(row * in.size() + i, input()[(box.contains(y, x) ? partner : row) * in.size() + i]);
      }
    }
  }
  void backward(const StepState& /*state*/) override {}

 private:
  CutMixOp op_;
};

}  // namespace

std::unique_ptr<Operator> make_reference_mix_up(const MixUpOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceMixUp>(op, options);
}

std::unique_ptr<Operator> make_reference_cut_mix(const CutMixOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceCutMix>(op, options);
}

}  // namespace lapel::kernels
