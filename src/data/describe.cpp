#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "base/threads.h"
#include "data/check.h"
#include "lapel/data.h"

namespace lapel {

namespace {

constexpr std::size_t kValues = 256;
using Histogram = std::array<std::int64_t, kValues>;

/// How many pixels have each value. Four tables a thread, because equal neighbours would wait for each other in one.
Histogram count_values(std::span<const std::uint8_t> pixels) {
  constexpr std::int64_t kGrain = std::int64_t{1} << 20U;
  Histogram total{};
  std::mutex total_mutex;
  parallel_for(static_cast<std::int64_t>(pixels.size()), kGrain, [&](std::int64_t begin, std::int64_t end) {
    constexpr std::size_t kTables = 4;
    std::array<Histogram, kTables> tables{};
    const auto part = pixels.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    for (std::size_t i = 0; i < part.size(); ++i) {
      ++tables[i % kTables][part[i]];
    }
    const std::scoped_lock lock(total_mutex);
    for (const Histogram& table : tables) {
      for (std::size_t value = 0; value < kValues; ++value) {
        total[value] += table[value];
      }
    }
  });
  return total;
}

SplitDescription describe_split(std::string name, const LabeledPictures& part, std::size_t classes) {
  SplitDescription result;
  result.name = std::move(name);
  const Pictures& pictures = part.pictures;
  result.shape = {pictures.count, pictures.height, pictures.width, pictures.channels};
  result.class_counts.assign(classes, 0);
  for (const Label label : part.labels) {
    ++result.class_counts.at(label);
  }
  if (pictures.pixels.empty()) {
    return result;
  }
  const Histogram counts = count_values(pictures.pixels);
  const auto pixels = static_cast<double>(pictures.pixels.size());
  std::int64_t sum = 0;
  result.min_pixel = static_cast<int>(kValues);
  for (int value = 0; value < static_cast<int>(kValues); ++value) {
    const std::int64_t count = counts.at(static_cast<std::size_t>(value));
    sum += count * value;
    if (count > 0) {
      result.min_pixel = std::min(result.min_pixel, value);
      result.max_pixel = value;
    }
  }
  result.mean_pixel = static_cast<double>(sum) / pixels;
  double squares = 0;
  for (int value = 0; value < static_cast<int>(kValues); ++value) {
    const double distance = value - result.mean_pixel;
    squares += static_cast<double>(counts.at(static_cast<std::size_t>(value))) * distance * distance;
  }
  result.std_pixel = std::sqrt(squares / pixels);
  return result;
}

}  // namespace

DataDescription describe(const DataSet& data) {
  data::check_whole(data);
  DataDescription result{data.name, data.location, data.class_names, {}, data.findings};
  for (const auto& [name, part] :
       {std::pair("train", &data.train), std::pair("validation", &data.validation), std::pair("test", &data.test)}) {
    if (part->pictures.count > 0 || part == &data.train) {
      result.splits.push_back(describe_split(name, *part, data.class_names.size()));
    }
  }
  return result;
}

}  // namespace lapel
