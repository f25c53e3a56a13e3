#include "data/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "lapel/error.h"

namespace lapel::data {

namespace {

/// `a` x `b`, or the largest number where that is more.
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<std::uint64_t>::max() : result;
}

void check_labels(const LabeledPictures& part, std::size_t classes, std::string_view name) {
  const auto beyond = std::ranges::find_if(part.labels, [&](Label label) { return label >= classes; });
  if (beyond != part.labels.end()) {
    throw Error(ErrorKind::kData, fmt::format("{}[{}]", name, beyond - part.labels.begin()),
                fmt::format("label {} is beyond the classes", *beyond), {{"classes", fmt::format("{}", classes)}},
                "a class name for each label");
  }
}

}  // namespace

void check_whole(const Pictures& pictures, std::string_view part) {
  const auto& [count, height, width, channels, pixels] = pictures;
  const bool possible = count >= 0 && height >= 0 && width >= 0 && channels >= 0;
  const std::uint64_t wanted =
      possible ? product(product(static_cast<std::uint64_t>(count), static_cast<std::uint64_t>(height)),
                         product(static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(channels)))
               : 0;
  if (!possible || pixels.size() != wanted) {
    throw Error(ErrorKind::kData, std::string(part), "there are not as many pixels as count and size say",
                {{"pictures", fmt::format("{} of {} x {} x {}", count, height, width, channels)},
                 {"pixels", fmt::format("{}", pixels.size())}},
                "count x height x width x channels pixels");
  }
}

void check_whole(const LabeledPictures& pictures, std::string_view part) {
  check_whole(pictures.pictures, part);
  if (std::ssize(pictures.labels) != pictures.pictures.count) {
    throw Error(ErrorKind::kData, std::string(part), "there are not as many labels as pictures",
                {{"pictures", fmt::format("{}", pictures.pictures.count)},
                 {"labels", fmt::format("{}", pictures.labels.size())}});
  }
}

void check_whole(const DataSet& data) {
  check_whole(data.train, "train");
  check_whole(data.validation, "validation");
  check_whole(data.test, "test");
  check_labels(data);
}

void check_labels(const DataSet& data) {
  check_labels(data.train, data.class_names.size(), "train");
  check_labels(data.validation, data.class_names.size(), "validation");
  check_labels(data.test, data.class_names.size(), "test");
}

}  // namespace lapel::data
