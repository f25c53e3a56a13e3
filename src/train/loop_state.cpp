#include "train/loop_state.h"

#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "lapel/error.h"

namespace lapel::training {

namespace {

/// Calls `body(name, arena, index)` for every tensor of a checkpoint, in its order.
template <class F>
void for_tensors(plan::Parameters& parameters, std::size_t states, Averages& averages, const F& body) {
  std::vector<std::pair<std::string, std::span<float>>> arenas = {{"weight", parameters.values()}};
  for (std::size_t i = 0; i < states; ++i) {
    arenas.emplace_back(fmt::format("optimizer_{}", i), parameters.state(i));
  }
  arenas.emplace_back("mean", averages.mean());
  arenas.emplace_back("slow", averages.slow());
  for (const auto& [prefix, arena] : arenas) {
    for (std::size_t index = 0; index < parameters.entries().size(); ++index) {
      const auto& entry = parameters.entries()[index];
      if (entry.offset + entry.size <= arena.size()) {
        body(fmt::format("{}/{}", prefix, entry.name), arena, index);
      }
    }
  }
}

}  // namespace

std::vector<formats::Tensor> capture(plan::Parameters& parameters, std::size_t states, Averages& averages) {
  std::vector<formats::Tensor> tensors;
  for_tensors(parameters, states, averages, [&](std::string name, std::span<const float> arena, std::size_t index) {
    tensors.push_back({std::move(name), parameters.entries()[index].spec.shape, parameters.unpacked(index, arena)});
  });
  return tensors;
}

void restore(const std::vector<formats::Tensor>& tensors, plan::Parameters& parameters, std::size_t states,
             Averages& averages) {
  std::size_t next = 0;
  for_tensors(parameters, states, averages, [&](const std::string& name, std::span<float> arena, std::size_t index) {
    if (next == tensors.size() || tensors[next].name != name ||
        tensors[next].shape != parameters.entries()[index].spec.shape) {
      throw Error(ErrorKind::kModelFile, {}, fmt::format("the checkpoint has no tensor '{}' of this model", name));
    }
    parameters.pack(index, tensors[next++].values, arena);
  });
  parameters.refresh_low();
}

}  // namespace lapel::training
