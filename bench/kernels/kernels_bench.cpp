// The kernels by themselves, at the sizes of the recipes' layers, Lapel's beside oneDNN's or the plain ones.
//
//     build/release/bench/kernels/bench_kernels --benchmark_filter='mlp-512.*float32'
//
// Names are MODEL/LAYER/NUMBER TYPE/PASS/WHOSE. FLOP are those of products; bytes are activations, or what an update
// moves. Ends with 1 where a benchmark failed or none ran.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "bound_operator.h"
#include "conv_gradient_bench.h"
#include "kernels/conv/gradient.h"
#include "kernels/loss/loss.h"
#include "kernels/reference/reference.h"
#include "kernels/update/update.h"
#include "threads_bench.h"

namespace lapel::kernels {

namespace {

enum class Pass { kForward, kBackward, kBackwardAndUpdate };

void run_operator(benchmark::State& state, const OperatorCase& wanted, Dtype dtype, Maker maker, Pass pass) {
  BoundOperator bound(wanted, dtype, maker);
  for (const auto loop : state) {
    static_cast<void>(loop);
    switch (pass) {
      case Pass::kForward:
        bound.forward();
        break;
      case Pass::kBackward:
        bound.backward();
        break;
      case Pass::kBackwardAndUpdate:
        bound.backward_and_update();
        break;
    }
  }
  if (const auto flop = pass == Pass::kForward ? bound.forward_flop() : bound.backward_flop(); flop > 0) {
    state.counters["FLOP/s"] = benchmark::Counter(
        static_cast<double>(flop), benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
  }
  state.SetBytesProcessed(state.iterations() * bound.activation_bytes());
}

enum class Optimizer { kSgd, kMomentum, kAdam };

void update(Optimizer optimizer, bool plain, const UpdateSpan& span) {
  if (optimizer == Optimizer::kAdam) {
    plain ? reference_adam_update({}, span) : adam_update({}, span);
  } else {
    const SgdRule step{0.01F, optimizer == Optimizer::kMomentum ? 0.9F : 0.0F, optimizer == Optimizer::kMomentum, 0};
    plain ? reference_sgd_update(step, span) : sgd_update(step, span);
  }
}

void run_update(benchmark::State& state, std::int64_t weights, Dtype dtype, Optimizer optimizer, bool plain) {
  const auto size = static_cast<std::size_t>(weights);
  const bool low = dtype == Dtype::kBfloat16;
  const int states = optimizer == Optimizer::kAdam ? 2 : optimizer == Optimizer::kMomentum ? 1 : 0;
  std::vector<float> values(size, 0.1F);
  const std::vector<float> grads(size, 0.01F);
  std::vector<float> first(states > 0 ? size : 0);
  std::vector<float> second(states > 1 ? size : 0);
  std::vector<std::uint16_t> copies(low ? size : 0);
  const UpdateSpan span{values, grads, first, second, copies};
  for (const auto loop : state) {
    static_cast<void>(loop);
    update(optimizer, plain, span);
  }
  // Weights and state are read and written, gradients read, copies written.
  state.SetBytesProcessed(state.iterations() * weights * (12 + 8 * states + (low ? 2 : 0)));
}

void run_loss(benchmark::State& state, std::int64_t batch, Dtype dtype, bool plain) {
  constexpr std::int64_t kClasses = 10;
  const auto size = static_cast<std::size_t>(batch * kClasses);
  const std::vector<float> logits(size, 0.5F);  // Also half as many bytes of bfloat16.
  std::vector<float> grad(size);
  std::vector<float> targets(size);
  for (std::size_t i = 3; i < size; i += kClasses) {
    targets[i] = 1;
  }
  for (const auto loop : state) {
    static_cast<void>(loop);
    const auto run = plain ? reference_softmax_cross_entropy_dense : softmax_cross_entropy_dense;
    benchmark::DoNotOptimize(run(dtype, logits.data(), targets, kClasses, 0, 1.0F / 32, grad.data(), {}));
  }
  state.SetItemsProcessed(state.iterations() * batch);
}

/// Registers benchmarks; counts those that failed when they run.
class Suite {
 public:
  template <class Run>
  void add(const std::string& name, const Run& run) {
    const auto guarded = [this, run](benchmark::State& state) {
      try {
        run(state);
      } catch (const std::exception& error) {
        ++failures_;
        state.SkipWithError(error.what());
      }
    };
    benchmark::RegisterBenchmark(name.c_str(), guarded)->UseRealTime()->Unit(benchmark::kMicrosecond);
  }

  void add_threads() {
    for (const bool phases : {false, true}) {
      for (const bool team : {false, true}) {
        add(std::string("threads/16 pieces/") + (phases ? "three phases/" : "one phase/") + (team ? "team" : "region"),
            [=](benchmark::State& state) { run_pieces(state, team, phases); });
      }
    }
    add("threads/a line to and fro/100 times", run_line);
    for (const std::size_t gap : {std::size_t{0}, std::size_t{1024}, std::size_t{4096}, Buffer::kApart}) {
      add("threads/4 KiB each/" + std::to_string(gap) + " bytes apart",
          [=](benchmark::State& state) { run_neighbours(state, gap); });
    }
  }

  void add_operators(Dtype dtype, const std::string& type) {
    for (const OperatorCase& wanted : operator_cases()) {
      const bool still = wanted.first && describe(wanted.op).backward_flop == 0;
      for (const auto& [pass, word] : {std::pair(Pass::kForward, "forward"), std::pair(Pass::kBackward, "backward"),
                                       std::pair(Pass::kBackwardAndUpdate, "backward+adam")}) {
        if ((still && pass != Pass::kForward) ||
            (pass == Pass::kBackwardAndUpdate && !std::holds_alternative<DenseOp>(wanted.op))) {
          continue;  // Nothing goes back to pixels; and only Dense layers update in passing.
        }
        for (const Maker maker : {Maker::kLapel, Maker::kOnednn, Maker::kPlain}) {
          if (has_maker(wanted.op, dtype, maker)) {
            add(wanted.name + "/" + type + "/" + word + "/" + std::string(maker_name(maker)),
                [=, which = pass](benchmark::State& state) { run_operator(state, wanted, dtype, maker, which); });
          }
        }
      }
      const auto* const convolution = std::get_if<Conv2DOp>(&wanted.op);
      if (convolution != nullptr && ConvGradient::is_supported(*convolution, dtype, cpu())) {
        for (const bool own : {true, false}) {
          add(wanted.name + "/" + type + "/weight-gradient/" + (own ? "lapel" : "onednn"),
              [=](benchmark::State& state) { run_conv_gradient(state, wanted, dtype, own); });
        }
      }
    }
  }

  void add_others(Dtype dtype, const std::string& type) {
    for (const auto& [model, weights] : {std::pair("mlp-512", 407'050), std::pair("cnn-5408", 29'306'282)}) {
      for (const auto& [optimizer, word] : {std::pair(Optimizer::kAdam, "adam"), std::pair(Optimizer::kSgd, "sgd"),
                                            std::pair(Optimizer::kMomentum, "sgd-nesterov")}) {
        for (const bool plain : {false, true}) {
          add(std::string(model) + "/" + word + "/" + type + "/update/" + (plain ? "plain" : "lapel"),
              [=, count = weights, which = optimizer](benchmark::State& state) {
                run_update(state, count, dtype, which, plain);
              });
        }
      }
    }
    for (const auto& [model, batch] : {std::pair("mlp-512", 32), std::pair("dense-on-pixels", 400)}) {
      for (const bool plain : {false, true}) {
        add(std::string(model) + "/loss/" + type + "/both/" + (plain ? "plain" : "lapel"),
            [=, rows = batch](benchmark::State& state) { run_loss(state, rows, dtype, plain); });
      }
    }
  }

  [[nodiscard]] int failures() const { return failures_; }

 private:
  int failures_ = 0;
};

/// The exit code.
int run_suite(int argc, char** argv) {
  Suite suite;
  suite.add_threads();
  for (const auto& [dtype, type] : {std::pair(Dtype::kFloat32, "float32"), std::pair(Dtype::kBfloat16, "bfloat16")}) {
    suite.add_operators(dtype, type);
    suite.add_others(dtype, type);
  }
  benchmark::AddCustomContext("cpu", cpu().model);
  benchmark::AddCustomContext("isa", cpu().isa);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 2;
  }
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks();
  if (ran == 0 || suite.failures() > 0) {
    std::fprintf(stderr, "%d of %zu benchmarks failed\n", suite.failures(), ran);
    return 1;
  }
  return 0;
}

}  // namespace

}  // namespace lapel::kernels

int main(int argc, char** argv) {
  try {
    return lapel::kernels::run_suite(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
