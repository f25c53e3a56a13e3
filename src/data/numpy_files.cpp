#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/assemble.h"
#include "data/class_names.h"
#include "data/layout.h"
#include "data/sources.h"
#include "formats/npy.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

namespace fs = std::filesystem;
using formats::NpyArray;

constexpr double kWhite = 255;
constexpr const char* kWayToSave =
    "numpy.savez(\"data.npz\", x_train=..., y_train=..., x_test=..., y_test=...), x of shape (n, height, width) or (n, "
    "height, width, 3) with numbers from 0 to 255, y of shape (n,)";

bool is_numpy(const fs::path& file) { return file.extension() == ".npz" || file.extension() == ".npy"; }

[[noreturn]] void refuse(const fs::path& place, const NpyArray& array, const std::string& problem) {
  std::string shape;
  for (const std::int64_t length : array.shape) {
    shape += fmt::format("{}{}", shape.empty() ? "" : ", ", length);
  }
  throw Error(ErrorKind::kData, fmt::format("{}:{}", place.string(), array.name), problem,
              {{"shape", fmt::format("({})", shape)}, {"type", array.type}}, kWayToSave);
}

/// The arrays of one part.
struct PartArrays {
  std::optional<NpyArray> pictures;
  std::optional<NpyArray> labels;
};

/// Pictures have rows and columns; labels are one number each.
bool is_pictures(const NpyArray& array) {
  return array.shape.size() > 2 || (array.shape.size() == 2 && array.shape[1] > 1);
}
bool is_labels(const NpyArray& array) {
  return array.shape.size() == 1 || (array.shape.size() == 2 && array.shape[1] == 1);
}

/// Rows and columns of an array of pictures, and whether its channels come before them.
struct PictureShape {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;
  bool channels_first = false;
};

PictureShape shape_of(const fs::path& place, const NpyArray& array) {
  const auto& shape = array.shape;
  const auto is_colour = [](std::int64_t length) { return length == 1 || length == 3; };
  if (shape.size() == 2) {
    const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(static_cast<double>(shape[1]))));
    if (side * side == shape[1]) {
      return {side, side, 1, false};
    }
  } else if (shape.size() == 3) {
    return {shape[1], shape[2], 1, false};
  } else if (shape.size() == 4 && is_colour(shape[3])) {
    return {shape[1], shape[2], shape[3], false};
  } else if (shape.size() == 4 && is_colour(shape[1])) {
    return {shape[2], shape[3], shape[1], true};
  }
  refuse(place, array, "is no array of grey or RGB pictures");
}

/// Values from 0 to 255; those from 0 to 1, with decimals, are multiplied.
std::vector<std::uint8_t> pixels_of(const fs::path& place, NpyArray& array, Findings& findings) {
  if (array.type == "|u1") {
    return std::move(array.bytes);
  }
  if (!array.readable()) {
    refuse(place, array, "holds no numbers that are read");
  }
  const std::size_t count = array.count();
  double least = 0;
  double most = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double value = array.at(i);
    least = std::isnan(value) ? -1 : std::min(least, value);
    most = std::max(most, value);
  }
  if (least < 0 || most > kWhite) {
    refuse(place, array, fmt::format("holds numbers from {:g} to {:g}", least, most));
  }
  const bool whole = array.type.find('f') == std::string::npos && array.type.find('b') == std::string::npos;
  const double factor = !whole && most <= 1 ? kWhite : 1;
  if (!whole) {
    add_finding(
        findings, FindingKind::kTaken,
        factor > 1 ? "arrays of pixels from 0 to 1, multiplied by 255" : "arrays of pixels with decimals, rounded",
        array.name);
  }
  std::vector<std::uint8_t> pixels(count);
  for (std::size_t i = 0; i < count; ++i) {
    pixels[i] = static_cast<std::uint8_t>(std::lround(array.at(i) * factor));
  }
  return pixels;
}

/// n, c, h, w to n, h, w, c.
std::vector<std::uint8_t> channels_last(const std::vector<std::uint8_t>& pixels, std::int64_t count,
                                        const PictureShape& shape) {
  std::vector<std::uint8_t> result(pixels.size());
  const auto plane = static_cast<std::size_t>(shape.height * shape.width);
  const auto channels = static_cast<std::size_t>(shape.channels);
  for (std::size_t n = 0; n < static_cast<std::size_t>(count); ++n) {
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < plane; ++i) {
        result[(n * plane + i) * channels + c] = pixels[(n * channels + c) * plane + i];
      }
    }
  }
  return result;
}

std::vector<Label> labels_of(const fs::path& place, const NpyArray& array) {
  constexpr double kMost = 65535;
  if (!array.readable()) {
    refuse(place, array, "holds labels that are no numbers");
  }
  std::vector<Label> labels;
  labels.reserve(array.count());
  for (std::size_t i = 0; i < array.count(); ++i) {
    const double value = array.at(i);
    if (!(value >= 0 && value <= kMost) || value != std::floor(value)) {
      refuse(place, array, fmt::format("the label at index {} is {:g}, no class number", i, value));
    }
    labels.push_back(static_cast<Label>(value));
  }
  return labels;
}

NamedPart read_part(const fs::path& place, PartArrays& arrays, Findings& findings) {
  if (!arrays.pictures) {
    return {};
  }
  NpyArray& array = *arrays.pictures;
  const PictureShape shape = shape_of(place, array);
  const std::int64_t count = array.shape[0];
  if (std::cmp_not_equal(arrays.labels->count(), count)) {
    refuse(place, array,
           fmt::format("has {} pictures, but {} has {} labels", count, arrays.labels->name, arrays.labels->count()));
  }
  std::vector<std::uint8_t> pixels = pixels_of(place, array, findings);
  if (shape.channels_first) {
    pixels = channels_last(pixels, count, shape);
    add_finding(findings, FindingKind::kTaken, "arrays with the channels before the rows, turned round", array.name);
  }
  NamedPart part;
  part.content = {{count, shape.height, shape.width, shape.channels, std::move(pixels)},
                  labels_of(place, *arrays.labels)};
  part.labels = fmt::format("{}:{}", place.string(), arrays.labels->name);
  return part;
}

/// Sorts the arrays into parts: by their names into training, validation and test, by their shapes into pictures and
/// labels. Throws Error (kData) where two are the same.
struct SortedArrays {
  PartArrays train;
  PartArrays validation;
  PartArrays test;

  PartArrays& part_of(const std::string& name) {
    const PartName part = part_of_name(name);
    return part == PartName::kTest ? test : part == PartName::kValidation ? validation : train;
  }

  void add(const fs::path& place, NpyArray array, Findings& findings) {
    PartArrays& part = part_of(array.name);
    std::optional<NpyArray>* role = is_pictures(array) ? &part.pictures : is_labels(array) ? &part.labels : nullptr;
    if (role == nullptr) {
      add_finding(findings, FindingKind::kLeftOut, "arrays that hold neither pictures nor labels", array.name);
    } else if (role->has_value()) {
      refuse(place, array, fmt::format("may be the same as {}", (*role)->name));
    } else {
      *role = std::move(array);
    }
  }
};

/// Leaves out a part that lacks its pictures or its labels, and says so.
void check_pair(PartArrays& part, Findings& findings) {
  if (part.pictures.has_value() != part.labels.has_value()) {
    add_finding(findings, FindingKind::kLeftOut,
                part.labels ? "arrays of labels without pictures" : "arrays of pictures without labels",
                part.labels ? part.labels->name : part.pictures->name);
    part = {};
  }
}

}  // namespace

std::optional<DataSet> read_numpy_files(const fs::path& place, const DataSpec& /*spec*/, DataPart /*wanted*/,
                                        const LoadSettings& /*settings*/) {
  const bool folder = fs::is_directory(place);
  std::vector<fs::path> files = folder ? content_of(place).files : std::vector<fs::path>{place};
  std::erase_if(files, [](const fs::path& file) { return !is_numpy(file); });
  if (files.empty()) {
    return std::nullopt;
  }
  Findings findings;
  SortedArrays arrays;
  for (const fs::path& file : files) {
    for (NpyArray& array : formats::read_numpy_file(file)) {
      arrays.add(file, std::move(array), findings);
    }
  }
  for (PartArrays* part : {&arrays.train, &arrays.validation, &arrays.test}) {
    check_pair(*part, findings);
  }
  if (!arrays.train.pictures && !arrays.test.pictures) {
    throw Error(ErrorKind::kData, place.string(), "holds no arrays of pictures with their labels", {}, kWayToSave);
  }
  NamedParts parts;
  parts.train = read_part(place, arrays.train, findings);
  parts.validation = read_part(place, arrays.validation, findings);
  parts.test = read_part(place, arrays.test, findings);
  DataSet data = assemble(place, folder ? place : place.parent_path(), std::move(parts));
  findings.insert(findings.end(), data.findings.begin(), data.findings.end());
  data.findings = std::move(findings);
  data.has_test_part = data.test.pictures.count > 0;
  return data;
}

}  // namespace lapel::data
