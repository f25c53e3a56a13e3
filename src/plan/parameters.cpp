#include "plan/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "kernels/bfloat16.h"
#include "kernels/update_rule.h"
#include "lapel/error.h"

namespace lapel::plan {

namespace {

/// Numbers from number `first` of the plain order on.
void fill_initial(const layers::ParameterSpec& spec, const RandomStream& random, std::size_t first,
                  std::span<float> values) {
  switch (spec.initializer) {
    case layers::Initializer::kZeros:
      std::fill(values.begin(), values.end(), 0.0F);
      break;
    case layers::Initializer::kOnes:
      std::fill(values.begin(), values.end(), 1.0F);
      break;
    case layers::Initializer::kGlorotUniform: {
      const float limit = std::sqrt(6.0F / static_cast<float>(spec.fan_in + spec.fan_out));
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = (2.0F * random.uniform(first + i) - 1.0F) * limit;
      }
      break;
    }
  }
}

}  // namespace

Parameters::Parameters(std::span<const Parameter> parameters, std::span<const kernels::WeightLayout> layouts,
                       kernels::Dtype dtype)
    : dtype_(dtype) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, spec, source, folded] = parameters[i];
    entries_.push_back({name, spec, layouts[i], 0, static_cast<std::size_t>(layouts[i].packed_size())});
  }
  // Each begins at a whole line, as numbers and as their copies.
  const std::size_t number_bytes = has_low() ? sizeof(std::uint16_t) : sizeof(float);
  for (const bool trainable : {true, false}) {
    for (auto& entry : entries_) {
      if (entry.spec.trainable == trainable) {
        entry.offset = size_;
        size_ += Buffer::aligned(entry.size * number_bytes) / number_bytes;
      }
    }
    if (trainable) {
      trainable_size_ = size_;
    }
  }
  weights_ = Buffer(size_ * (sizeof(float) + (has_low() ? sizeof(std::uint16_t) : 0)));
  gradients_.resize(entries_.size());
  muons_.resize(entries_.size());
  targets_.resize(entries_.size());
  refresh_targets();
}

std::int64_t Parameters::count() const {
  std::int64_t numbers = 0;
  for (const ParameterEntry& entry : entries_) {
    numbers += entry.spec.size();
  }
  return numbers;
}

void Parameters::add_optimizer_state(std::size_t states) {
  states_ = Buffer(states * trainable_size_ * sizeof(float));
  state_count_ = states;
  refresh_targets();
}

float* Parameters::state_at(std::size_t which, std::size_t offset) {
  return which < state_count_ ? state(which).subspan(offset).data() : nullptr;
}

std::uint16_t* Parameters::low_at(std::size_t offset) {
  return has_low() ? weights_.as<std::uint16_t>().subspan(2 * size_ + offset).data() : nullptr;
}

void Parameters::refresh_targets() {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::size_t offset = entries_[i].offset;
    if (entries_[i].spec.trainable) {
      targets_[i] = {values().subspan(offset).data(), state_at(0, offset), state_at(1, offset), low_at(offset),
                     state_at(2, offset)};
    }
  }
}

kernels::UpdateSpan Parameters::update_span(std::size_t index) {
  return targets_.at(index).span(0, gradient(index), entries_[index].size);
}

void Parameters::update(std::size_t index, const kernels::UpdateRule& rule) {
  if (rule.muon() == nullptr) {
    rule.apply(update_span(index));
    return;
  }
  if (muons_[index] == nullptr) {
    muons_[index] = std::make_unique<kernels::MuonUpdate>(entries_[index].layout);
  }
  muons_[index]->apply(*rule.muon(), update_span(index));
}

const void* Parameters::operand(std::size_t index) {
  const auto& entry = entries_.at(index);
  if (dtype_ == kernels::Dtype::kBfloat16 && entry.spec.shape.size() > 1) {
    return low_at(entry.offset);
  }
  return values().subspan(entry.offset).data();
}

float* Parameters::gradient(std::size_t index) {
  Buffer& buffer = gradients_.at(index);
  if (buffer.size() == 0) {
    buffer = Buffer(entries_[index].size * sizeof(float));
  }
  return buffer.as<float>().data();
}

float* Parameters::statistic(std::size_t index) { return values().subspan(entries_.at(index).offset).data(); }

void Parameters::initialize(std::uint64_t seed) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const RandomStream random{seed, RandomPurpose::kWeights, static_cast<std::uint32_t>(i), 0, 0};
    const auto& entry = entries_[i];
    // Without a copy of the weight in the plain order, which would be as large again.
    entry.layout.pack(
        [&](std::size_t first, std::span<float> numbers) { fill_initial(entry.spec, random, first, numbers); },
        values().subspan(entry.offset, entry.size));
  }
  refresh_low();
}

std::vector<float> Parameters::get(std::size_t index) const { return unpacked(index, weights_.as<float>()); }

void Parameters::set(std::size_t index, std::span<const float> values) {
  pack(index, values, this->values());
  refresh_low();
}

std::vector<float> Parameters::unpacked(std::size_t index, std::span<const float> arena) const {
  const auto& entry = entries_.at(index);
  std::vector<float> plain(static_cast<std::size_t>(entry.spec.size()));
  entry.layout.unpack(arena.subspan(entry.offset, entry.size), plain);
  return plain;
}

void Parameters::pack(std::size_t index, std::span<const float> values, std::span<float> arena) const {
  const auto& entry = entries_.at(index);
  if (values.size() != static_cast<std::size_t>(entry.spec.size())) {
    throw Error(ErrorKind::kInternal, entry.name, "values do not fit the weight",
                {{"values", fmt::format("{}", values.size())}, {"weight", fmt::format("{}", entry.spec.size())}});
  }
  entry.layout.pack(values, arena.subspan(entry.offset, entry.size));
}

std::vector<float> Parameters::get_gradient(std::size_t index) const {
  const auto& entry = entries_.at(index);
  std::vector<float> plain(static_cast<std::size_t>(entry.spec.size()));
  const Buffer& stored = gradients_[index];
  if (stored.size() == 0) {
    throw Error(ErrorKind::kInternal, entry.name, "no gradient has been stored", {},
                "a training step without an update");
  }
  entry.layout.unpack(stored.as<float>(), plain);
  return plain;
}

std::size_t Parameters::gradient_bytes() const {
  std::size_t total = 0;
  for (const auto& buffer : gradients_) {
    total += buffer.size();
  }
  return total;
}

std::size_t Parameters::state_bytes() const {
  std::size_t total = states_.size();
  for (const auto& muon : muons_) {
    total += muon == nullptr ? 0 : muon->bytes();
  }
  return total;
}

void Parameters::refresh_low() {
  if (has_low()) {
    kernels::to_bfloat16(values(), {low_at(0), size_});
  }
}

}  // namespace lapel::plan
