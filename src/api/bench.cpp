#include "lapel/bench.h"

#include <array>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "api/resolve.h"
#include "base/threads.h"
#include "bench/machine.h"
#include "bench/parts.h"
#include "bench/process_memory.h"
#include "bench/whole_step.h"
#include "data/splits.h"
#include "formats/bytes.h"
#include "kernels/cpu.h"
#include "lapel/data.h"
#include "lapel/version.h"
#include "model/ensemble.h"
#include "plan/network.h"
#include "report/trace.h"
#include "store/model_file.h"
#include "train/loop.h"

namespace lapel {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Pixels and labels.
std::int64_t bytes_of(const DataSet& data) {
  std::size_t bytes = 0;
  for (const LabeledPictures* part : {&data.train, &data.test}) {
    bytes += part->pictures.pixels.capacity() + part->labels.capacity() * sizeof(Label);
  }
  return static_cast<std::int64_t>(bytes);
}

/// Who ran what on which machine.
void describe(BenchResult& result, const Recipe& recipe, kernels::Dtype dtype) {
  result.recipe = recipe.name;
  result.precision = precision_name(dtype);
  result.threads = resolve_threads(recipe.train);
  result.cpu = kernels::cpu().model;
  result.isa = kernels::cpu().isa;
  result.lapel_version = version();
  result.onednn_version = kernels::onednn_version();
}

/// `before` is how much there was before the data set was read.
void describe_memory(BenchMemory& memory, const measuring::Resident& before, const plan::Network& network) {
  const auto used = network.memory();
  memory.parameters = static_cast<std::int64_t>(used.parameters);
  memory.gradients = static_cast<std::int64_t>(used.gradients);
  memory.optimizer_state = static_cast<std::int64_t>(used.optimizer_state);
  memory.activations = static_cast<std::int64_t>(used.activations);
  const auto resident = measuring::resident_memory();
  memory.program = before.now + resident.files - before.files;
  memory.peak = resident.peak;
  memory.ratio =
      static_cast<double>(memory.peak - memory.program - memory.data_set) /
      static_cast<double>(memory.parameters + memory.gradients + memory.optimizer_state + memory.activations);
}

/// Sets the weights of a network to those of a file, or as the recipe's seed says.
void begin_with_weights(plan::Network& network, const std::filesystem::path& file, std::int64_t seed) {
  if (file.empty()) {
    network.parameters().initialize(static_cast<std::uint64_t>(seed));
    return;
  }
  const std::vector<formats::Tensor> tensors = store::read_weights(file, network.model());
  std::vector<std::span<const float>> weights;
  for (const formats::Tensor& tensor : tensors) {
    weights.emplace_back(tensor.values);
  }
  network.set_weights(weights);
}

/// Some steps as trace events, on a line of their own, and under them their parts.
std::string trace_of(const measuring::MeasuredParts& measured) {
  return report::trace_json(
      std::array{report::TraceLane{"steps", measured.steps}, report::TraceLane{"parts of a step", measured.events}});
}

/// `work` with a batch that a plan is made for: predictions run in smaller ones than are asked for where that is
/// faster.
measuring::Work of_one_plan(measuring::Work work) {
  work.batch = work.mode == BenchMode::kTrain ? work.batch : work.network.inference_batch(work.batch);
  return work;
}

/// What `amount` of a batch that a plan is made for is of the whole.
std::int64_t of_whole(std::int64_t amount, const BenchResult& result, const measuring::Work& planned) {
  return amount * result.batch / planned.batch;
}

/// `planned`: of_one_plan; the parts are given for the whole batch of `result`.
BenchParts measure_parts(const measuring::Work& planned, const BenchResult& result,
                         const std::filesystem::path& trace) {
  const MachineLimits machine = measuring::machine_limits(result.threads);
  auto measured = measuring::time_parts(planned);
  const MachineLimits around = measuring::mean_of(machine, measuring::machine_limits(result.threads));
  for (BenchPart& part : measured.parts) {
    part.ms *= static_cast<double>(result.batch) / static_cast<double>(planned.batch);
    part.flop = of_whole(part.flop, result, planned);
    part.bytes = of_whole(part.bytes, result, planned);
  }
  if (!trace.empty()) {
    formats::write_text_file(trace, trace_of(measured));
  }
  const BenchMemory& memory = result.memory;
  return measuring::with_limits(std::move(measured.parts), around,
                                memory.parameters + memory.gradients + memory.optimizer_state + memory.activations,
                                planned.network.options().dtype == kernels::Dtype::kBfloat16);
}

}  // namespace

MachineLimits measure_machine(int threads) {
  return measuring::machine_limits(threads > 0 ? threads : default_threads());
}

BenchResult bench(const Recipe& recipe, const BenchSettings& settings) {
  if (!settings.trace.empty()) {
    formats::write_text_file(settings.trace, "[]\n");  // Before the measurements, so that a wrong path costs nothing.
  }
  BenchResult result;
  const auto before = measuring::resident_memory();
  measuring::reset_peak();
  const auto load_start = Clock::now();
  const DataSet data = load_data(recipe.data);
  const data::Splits splits = data::split_training(recipe.data, data.train.pictures.count);
  result.load_seconds = seconds_since(load_start);
  result.memory.data_set = bytes_of(data);
  result.memory.loading_peak = measuring::resident_memory().peak - before.now;

  const bool training = settings.mode == BenchMode::kTrain;
  const model::Model member(recipe.name, resolve_recipe(recipe, data).layers, picture_shape(data.train.pictures));
  check_outputs(member, data);
  const model::Model model = training ? member : model::ensemble_of(member, recipe.train.ensemble);
  const auto dtype = resolve_precision(recipe.train.precision);
  describe(result, recipe, dtype);
  result.mode = settings.mode;
  result.batch = training::effective_batch(recipe.train, splits.train.count);
  measuring::reset_peak();
  const auto plan_start = Clock::now();
  plan::Network network(model, {dtype, result.threads, kPixelScale, result.batch, training, !training});
  begin_with_weights(network, settings.init, recipe.train.seed);
  result.plan_seconds = seconds_since(plan_start);
  result.parameters = network.parameters().count();
  result.folded_parameters = model.trainable_parameters() + model.non_trainable_parameters() - result.parameters;

  const measuring::Work work{network,       data.train,   splits.train,  recipe.train,
                             settings.mode, result.batch, settings.steps};
  result.step = measuring::time_steps(work);
  const measuring::Work planned = of_one_plan(work);
  result.flop = of_whole(network.plan(planned.batch, training).flop(), result, planned);
  result.gflops = static_cast<double>(result.flop) / (result.step.median * 1e6);
  describe_memory(result.memory, before, network);
  if (settings.parts) {
    result.parts = measure_parts(planned, result, settings.trace);
  }
  return result;
}

}  // namespace lapel
