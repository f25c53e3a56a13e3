#include <nlohmann/json.hpp>
#include <utility>

#include "lapel/report.h"
#include "report/json_document.h"

namespace lapel {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const TimeStatistics& time) {
  return {{"median", time.median}, {"min", time.min}, {"q1", time.q1}, {"q3", time.q3}, {"mean", time.mean}};
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

Json json_of(const MachineLimits& machine) {
  Json bandwidth = Json::array();
  for (const auto& [bytes, rate] : machine.bandwidth) {
    bandwidth.push_back({{"bytes", bytes}, {"gigabytes_per_second", rate}});
  }
  return {{"cpu", machine.cpu},
          {"isa", machine.isa},
          {"onednn", machine.onednn_version},
          {"threads", machine.threads},
          {"float32_gflops", machine.float32_gflops},
          {"bfloat16_gflops", machine.bfloat16_gflops},
          {"bandwidth", std::move(bandwidth)}};
}

Json json_of(const BenchParts& parts) {
  Json list = Json::array();
  for (const BenchPart& part : parts.parts) {
    list.push_back({{"layer", part.layer},
                    {"op", part.op},
                    {"pass", part.pass},
                    {"implementation", part.implementation},
                    {"ms", part.ms},
                    {"flop", part.flop},
                    {"bytes", part.bytes},
                    {"limit_ms", part.limit_ms},
                    {"limit", part.by_memory ? "memory" : "arithmetic"}});
  }
  return {{"working_set", parts.working_set},
          {"gflops", parts.gflops},
          {"gigabytes_per_second", parts.gigabytes_per_second},
          {"ms", parts.ms},
          {"limit_ms", parts.limit_ms},
          {"list", std::move(list)}};
}

}  // namespace

std::string to_json(const BenchResult& result) {
  Json json = {{"recipe", result.recipe},
               {"mode", result.mode == BenchMode::kTrain ? "train" : "predict"},
               {"batch", result.batch},
               {"precision", result.precision},
               {"threads", result.threads},
               {"steps", result.step.count},
               {"ms", json_of(result.step)},
               {"gflops", result.gflops},
               {"flop", result.flop},
               {"parameters", result.parameters},
               {"folded_parameters", result.folded_parameters},
               {"cpu", result.cpu},
               {"isa", result.isa},
               {"versions", {{"lapel", result.lapel_version}, {"onednn", result.onednn_version}}},
               {"memory", json_of(result.memory)},
               {"load_seconds", result.load_seconds},
               {"plan_seconds", result.plan_seconds}};
  if (result.parts) {
    json["machine"] = json_of(result.parts->machine);
    json["parts"] = json_of(*result.parts);
  }
  return report::json_document(json);
}

std::string to_json(const MachineLimits& machine) { return report::json_document(json_of(machine)); }

}  // namespace lapel
