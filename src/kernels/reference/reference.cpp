#include "kernels/reference/reference.h"

#include "base/rng.h"
#include "kernels/reference/operators.h"
#include "lapel/error.h"

namespace lapel::kernels {

namespace {

class ReferenceDropout final : public ReferenceOperator {
 public:
  ReferenceDropout(const DropoutOp& op, const BuildOptions& options) : ReferenceOperator(options), op_(op) {}

  void forward(const StepState& state) override { drop(state, input(), mutable_output()); }
  void backward(const StepState& state) override {
    if (const MutableValues grad = input_grad()) {
      drop(state, output_grad(), grad);
    }
  }

 private:
  void drop(const StepState& state, const Values& from, const MutableValues& to) const {
    const auto keep = static_cast<double>(static_cast<float>(1 - op_.rate));
    for (std::int64_t row = 0; row < batch(); ++row) {
      for (std::int64_t i = 0; i < op_.size; ++i) {
        const std::int64_t place = row * op_.size + i;
        if (!state.training) {
          to.set(place, from[place]);
          continue;
        }
        const RandomStream stream{state.seed, RandomPurpose::kDropout, op_.unit, state.epoch,
                                  state.samples[static_cast<std::size_t>(row)]};
        const bool dropped = stream.uniform(static_cast<std::uint64_t>(i)) < static_cast<float>(op_.rate);
        to.set(place, dropped ? 0.0 : from[place] / keep);
      }
    }
  }

  DropoutOp op_;
};

class ReferenceAdd final : public ReferenceOperator {
 public:
  ReferenceAdd(const AddOp& op, const BuildOptions& options) : ReferenceOperator(options), op_(op) {}

  void forward(const StepState& /*state*/) override {
    for (std::int64_t i = 0; i < batch() * op_.size; ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < static_cast<std::size_t>(op_.inputs); ++k) {
        sum += input(k)[i];
      }
      mutable_output().set(i, op_.scale * sum);
    }
  }

  void backward(const StepState& /*state*/) override {
    for (std::size_t k = 0; k < static_cast<std::size_t>(op_.inputs); ++k) {
      if (const MutableValues grad = input_grad(k)) {
        for (std::int64_t i = 0; i < batch() * op_.size; ++i) {
          grad.set(i, op_.scale * output_grad()[i]);
        }
      }
    }
  }

 private:
  AddOp op_;
};

class ReferenceInput final : public ReferenceOperator {
 public:
  ReferenceInput(const InputOp& op, const BuildOptions& options) : ReferenceOperator(options), op_(op) {}

  void forward(const StepState& state) override {
    for (std::int64_t row = 0; row < batch(); ++row) {
      const std::int64_t sample = state.samples[static_cast<std::size_t>(row)];
      for (std::int64_t i = 0; i < op_.size; ++i) {
        const auto pixel = static_cast<float>(state.pixels[sample * op_.size + i]);
        mutable_output().set(row * op_.size + i, static_cast<double>(pixel * op_.scale));
      }
    }
  }
  void backward(const StepState& /*state*/) override {}

 private:
  InputOp op_;
};

struct Make {
  const BuildOptions& options;

  std::unique_ptr<Operator> operator()(const DenseOp& op) const { return make_reference_dense(op, options); }
  std::unique_ptr<Operator> operator()(const DenseChainOp& op) const { return make_reference_dense_chain(op, options); }
  std::unique_ptr<Operator> operator()(const DenseOnPixelsOp& op) const {
    return make_reference_dense_on_pixels(op, options);
  }
  std::unique_ptr<Operator> operator()(const Conv2DOp& op) const { return make_reference_conv2d(op, options); }
  std::unique_ptr<Operator> operator()(const ConvPoolOp& op) const { return make_reference_conv_pool(op, options); }
  std::unique_ptr<Operator> operator()(const Pool2DOp& op) const { return make_reference_pool2d(op, options); }
  std::unique_ptr<Operator> operator()(const GlobalPool2DOp& op) const {
    return make_reference_global_pool2d(op, options);
  }
  std::unique_ptr<Operator> operator()(const ActivationOp& op) const { return make_reference_activation(op, options); }
  std::unique_ptr<Operator> operator()(const ElementwiseOp& op) const { return make_reference_function(op, options); }
  std::unique_ptr<Operator> operator()(const DropoutOp& op) const {
    return std::make_unique<ReferenceDropout>(op, options);
  }
  std::unique_ptr<Operator> operator()(const AddOp& op) const { return std::make_unique<ReferenceAdd>(op, options); }
  std::unique_ptr<Operator> operator()(const BatchNormOp& op) const { return make_reference_batch_norm(op, options); }
  std::unique_ptr<Operator> operator()(const RandomFlipOp& op) const { return make_reference_random_flip(op, options); }
  std::unique_ptr<Operator> operator()(const RandomTranslationOp& op) const {
    return make_reference_random_translation(op, options);
  }
  std::unique_ptr<Operator> operator()(const InputOp& op) const { return make_reference_input(op, options); }
  std::unique_ptr<Operator> operator()(const RandomAffineOp& op) const {
    return make_reference_random_affine(op, options);
  }
  std::unique_ptr<Operator> operator()(const RandomErasingOp& op) const {
    return make_reference_random_erasing(op, options);
  }
  std::unique_ptr<Operator> operator()(const MixUpOp& op) const { return make_reference_mix_up(op, options); }
  std::unique_ptr<Operator> operator()(const CutMixOp& op) const { return make_reference_cut_mix(op, options); }
  std::unique_ptr<Operator> operator()(const ReshapeOp& /*op*/) const {
    throw Error(ErrorKind::kInternal, {}, "a reshape is no operator: its output is its input");
  }
};

}  // namespace

std::unique_ptr<Operator> make_reference_input(const InputOp& op, const BuildOptions& options) {
  return std::make_unique<ReferenceInput>(op, options);
}

std::unique_ptr<Operator> make_reference_operator(const Op& op, const BuildOptions& options) {
  return std::visit(Make{options}, op);
}

}  // namespace lapel::kernels
