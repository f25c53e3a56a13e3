#include "plan/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"
#include "kernels/update.h"
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

Parameters::Parameters(const model::Model& model, std::span<const kernels::WeightLayout> layouts, kernels::Dtype dtype)
    : dtype_(dtype) {
  std::size_t index = 0;
  for (const auto& node : model.nodes()) {
    for (const auto& spec : node.parameters) {
      const auto& layout = layouts[index++];
      entries_.push_back({fmt::format("{}/{}", node.name, spec.name), spec, layout, 0,
                          static_cast<std::size_t>(layout.packed_size())});
    }
  }
  for (const bool trainable : {true, false}) {
    for (auto& entry : entries_) {
      if (entry.spec.trainable == trainable) {
        entry.offset = size_;
        size_ += Buffer::aligned(entry.size * sizeof(float)) / sizeof(float);
      }
    }
    if (trainable) {
      trainable_size_ = size_;
    }
  }
  values_ = Buffer(size_ * sizeof(float));
  if (dtype == kernels::Dtype::kBfloat16) {
    low_ = Buffer(size_ * sizeof(std::uint16_t));
  }
  gradients_.resize(entries_.size());
  muons_.resize(entries_.size());
  targets_.resize(entries_.size());
  refresh_targets();
}

void Parameters::add_optimizer_state(std::size_t states) {
  states_.clear();
  for (std::size_t i = 0; i < states; ++i) {
    states_.emplace_back(trainable_size_ * sizeof(float));
  }
  refresh_targets();
}

void Parameters::refresh_targets() {
  const auto state = [&](std::size_t which, std::size_t offset) {
    return which < states_.size() ? states_[which].as<float>().subspan(offset).data() : nullptr;
  };
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::size_t offset = entries_[i].offset;
    if (entries_[i].spec.trainable) {
      targets_[i] = {values_.as<float>().subspan(offset).data(), state(0, offset), state(1, offset),
                     low_.size() == 0 ? nullptr : low_.as<std::uint16_t>().subspan(offset).data()};
    }
  }
}

kernels::UpdateSpan Parameters::update_span(std::size_t index) {
  const auto& entry = entries_.at(index);
  const auto state = [&](std::size_t which) {
    return which < states_.size() ? states_[which].as<float>().subspan(entry.offset, entry.size) : std::span<float>{};
  };
  return {values_.as<float>().subspan(entry.offset, entry.size),
          {gradient(index), entry.size},
          state(0),
          state(1),
          low_.size() == 0 ? std::span<std::uint16_t>{} : low_.as<std::uint16_t>().subspan(entry.offset, entry.size)};
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

const void* Parameters::operand(std::size_t index) const {
  const auto& entry = entries_.at(index);
  if (dtype_ == kernels::Dtype::kBfloat16 && entry.spec.shape.size() > 1) {
    return low_.as<std::uint16_t>().subspan(entry.offset).data();
  }
  return values_.as<float>().subspan(entry.offset).data();
}

float* Parameters::gradient(std::size_t index) {
  Buffer& buffer = gradients_.at(index);
  if (buffer.size() == 0) {
    buffer = Buffer(entries_[index].size * sizeof(float));
  }
  return buffer.as<float>().data();
}

float* Parameters::statistic(std::size_t index) {
  return values_.as<float>().subspan(entries_.at(index).offset).data();
}

void Parameters::initialize(std::uint64_t seed) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const RandomStream random{seed, RandomPurpose::kWeights, static_cast<std::uint32_t>(i), 0, 0};
    const auto& entry = entries_[i];
    // Without a copy of the weight in the plain order, which would be as large again.
    entry.layout.pack(
        [&](std::size_t first, std::span<float> numbers) { fill_initial(entry.spec, random, first, numbers); },
        values_.as<float>().subspan(entry.offset, entry.size));
  }
  refresh_low();
}

std::vector<float> Parameters::get(std::size_t index) const { return unpacked(index, values_.as<float>()); }

void Parameters::set(std::size_t index, std::span<const float> values) {
  pack(index, values, values_.as<float>());
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

namespace {

std::size_t bytes_of(const std::vector<Buffer>& buffers) {
  std::size_t total = 0;
  for (const auto& buffer : buffers) {
    total += buffer.size();
  }
  return total;
}

}  // namespace

std::size_t Parameters::gradient_bytes() const { return bytes_of(gradients_); }

std::size_t Parameters::state_bytes() const {
  std::size_t total = bytes_of(states_);
  for (const auto& muon : muons_) {
    total += muon == nullptr ? 0 : muon->bytes();
  }
  return total;
}

void Parameters::refresh_low() {
  if (low_.size() != 0) {
    kernels::to_bfloat16(values_.as<float>().first(size_), low_.as<std::uint16_t>().first(size_));
  }
}

}  // namespace lapel::plan
