#include "train/loop_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
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

std::vector<formats::Tensor> weight_tensors(const plan::Parameters& parameters, std::span<const float> arena) {
  std::vector<formats::Tensor> tensors;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const auto& entry = parameters.entries()[i];
    tensors.push_back({entry.name, entry.spec.shape, parameters.unpacked(i, arena)});
  }
  return tensors;
}

std::vector<float> flat_weights(const plan::Parameters& parameters, std::span<const float> arena) {
  std::vector<float> all;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const std::vector<float> values = parameters.unpacked(i, arena);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

void set_flat_weights(plan::Parameters& parameters, std::span<const float> weights) {
  std::size_t first = 0;
  for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
    const auto size = static_cast<std::size_t>(parameters.entries()[i].spec.size());
    if (first + size > weights.size()) {
      throw Error(ErrorKind::kInternal, {}, "fewer numbers than the model has");
    }
    parameters.pack(i, weights.subspan(first, size), parameters.values());
    first += size;
  }
  if (first != weights.size()) {
    throw Error(ErrorKind::kInternal, {}, "more numbers than the model has");
  }
  parameters.refresh_low();
}

std::optional<NotFinite> weight_that_is_not_finite(plan::Parameters& parameters) {
  // One largest exponent for all, since hardly ever a weight is not finite.
  constexpr std::uint32_t kExponent = 0x7F800000U;
  const auto all = parameters.values();
  std::uint32_t largest = 0;
  for (const float value : all) {
    largest = std::max(largest, std::bit_cast<std::uint32_t>(value) & kExponent);
  }
  if (largest < kExponent) {
    return std::nullopt;
  }
  for (const auto& entry : parameters.entries()) {
    for (const float value : all.subspan(entry.offset, entry.size)) {
      if (!std::isfinite(value)) {
        return NotFinite{entry.name, std::isnan(value)};
      }
    }
  }
  return std::nullopt;
}

}  // namespace lapel::training
