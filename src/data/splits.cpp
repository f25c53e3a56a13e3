#include "data/splits.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>

#include "base/rng.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

[[noreturn]] void refuse(std::string problem, std::vector<ErrorFact> facts, std::string hint) {
  throw Error(ErrorKind::kRecipe, "data", std::move(problem), std::move(facts), std::move(hint));
}

/// N of "last N".
std::int64_t parse_last(const std::string& text) {
  constexpr std::string_view kLast = "last ";
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const bool last = text.starts_with(kLast);
  const auto result = std::from_chars(text.data() + (last ? kLast.size() : 0), end, count);
  if (!last || result.ec != std::errc() || result.ptr != end || count < 1) {
    refuse(fmt::format("validation = \"{}\" is not allowed", text), {{"allowed", "\"last N\", N at least 1"}},
           "validation = \"last 5000\"");
  }
  return count;
}

/// Keras's train_validation_split (keras/src/trainers/data_adapters/data_adapter_utils.py).
std::int64_t training_part(double validation_split, std::int64_t samples) {
  if (!(validation_split > 0 && validation_split < 1)) {
    refuse(fmt::format("validation_split = {} is not allowed", validation_split), {{"allowed", "from 0 to below 1"}},
           "validation_split = 0.1");
  }
  const auto train = static_cast<std::int64_t>(std::floor(static_cast<double>(samples) * (1.0 - validation_split)));
  if (train == 0 || train == samples) {
    refuse(fmt::format("validation_split = {} of {} samples leaves {} to train on and {} to validate with",
                       validation_split, samples, train, samples - train),
           {}, "more samples, or another validation_split");
  }
  return train;
}

}  // namespace

Splits split_training(const DataSpec& spec, std::int64_t samples) {
  if (!spec.validation.empty() && spec.validation_split != 0) {
    refuse("both validation and validation_split are given",
           {{"validation", fmt::format("\"{}\"", spec.validation)},
            {"validation_split", fmt::format("{}", spec.validation_split)}},
           "one of them");
  }
  if (spec.limit < 0) {
    refuse(fmt::format("limit = {} is not allowed", spec.limit), {{"allowed", "at least 0"}}, "limit = 20000");
  }
  if (samples < 1) {
    refuse("there are no samples to train on", {}, "another data set");
  }
  const std::int64_t used = spec.limit == 0 ? samples : std::min(spec.limit, samples);
  std::int64_t train = used;
  if (!spec.validation.empty()) {
    const std::int64_t validation = parse_last(spec.validation);
    if (validation >= used) {
      refuse(fmt::format("validation = \"{}\" leaves nothing to train on", spec.validation),
             {{"samples", std::to_string(used)}},
             fmt::format("validation = \"last {}\"", std::max<std::int64_t>(1, used / 10)));
    }
    train = used - validation;
  } else if (spec.validation_split != 0) {
    train = training_part(spec.validation_split, used);
  }
  return {{0, train}, {train, used - train}};
}

void epoch_order(const SampleRange& range, bool shuffle, std::uint64_t seed, std::uint32_t epoch,
                 std::vector<std::uint32_t>& order) {
  order.resize(static_cast<std::size_t>(range.count));
  std::iota(order.begin(), order.end(), static_cast<std::uint32_t>(range.first));
  if (!shuffle) {
    return;
  }
  const RandomStream stream{seed, RandomPurpose::kShuffle, 0, epoch};
  for (std::size_t left = order.size(); left > 1; --left) {
    const std::uint32_t chosen = stream.below(left - 1, static_cast<std::uint32_t>(left));
    std::swap(order[left - 1], order[chosen]);
  }
}

}  // namespace lapel::data
