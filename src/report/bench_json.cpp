#include <nlohmann/json.hpp>

#include "lapel/report.h"

namespace lapel {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const TimeStatistics& time) {
  return {{"median", time.median}, {"min", time.min}, {"q1", time.q1}, {"q3", time.q3}};
}

Json json_of(const BenchMemory& memory) {
  return {{"parameters", memory.parameters},
          {"gradients", memory.gradients},
          {"optimizer_state", memory.optimizer_state},
          {"activations", memory.activations},
          {"data_set", memory.data_set},
          {"program", memory.program},
          {"loading_peak", memory.loading_peak},
          {"peak", memory.peak},
          {"ratio", memory.ratio}};
}

}  // namespace

std::string to_json(const BenchResult& result) {
  const Json json = {{"recipe", result.recipe},
                     {"mode", result.mode == BenchMode::kTrain ? "train" : "predict"},
                     {"batch", result.batch},
                     {"precision", result.precision},
                     {"threads", result.threads},
                     {"steps", result.step.count},
                     {"ms", json_of(result.step)},
                     {"gflops", result.gflops},
                     {"flop", result.flop},
                     {"parameters", result.parameters},
                     {"cpu", result.cpu},
                     {"isa", result.isa},
                     {"versions", {{"lapel", result.lapel_version}, {"onednn", result.onednn_version}}},
                     {"memory", json_of(result.memory)},
                     {"load_seconds", result.load_seconds},
                     {"plan_seconds", result.plan_seconds}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lapel
