#include "formats/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "formats/archive.h"
#include "formats/bytes.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

[[noreturn]] void refuse(const std::string& place, const std::string& problem, const std::string& hint = {}) {
  throw Error(ErrorKind::kData, place, problem, {}, hint.empty() ? "the array saved again by numpy.save" : hint);
}

/// What stands behind `'key':` in the head, a Python dictionary; from its first character on.
std::string_view behind_key(std::string_view head, std::string_view key, const std::string& place) {
  const auto at = head.find(fmt::format("'{}':", key));
  if (at == std::string_view::npos) {
    refuse(place, fmt::format("the NumPy array is damaged: its head has no {}", key));
  }
  const std::string_view rest = head.substr(at + key.size() + 3);
  return rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
}

/// `(60000, 28, 28)`, `(5,)`, `()`
std::vector<std::int64_t> parse_shape(std::string_view text, const std::string& place) {
  std::vector<std::int64_t> shape;
  const auto end = text.find(')');
  text = text.substr(0, end == std::string_view::npos ? 0 : end);
  for (std::size_t i = 0; i < text.size();) {
    std::int64_t length = 0;
    const auto parsed = std::from_chars(text.data() + i, text.data() + text.size(), length);
    if (parsed.ec == std::errc()) {
      shape.push_back(length);
      i = static_cast<std::size_t>(parsed.ptr - text.data());
    } else {
      ++i;
    }
  }
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  std::int64_t count = 1;
  for (const std::int64_t length : shape) {
    count = length < 0 || length > kMost || (length > 0 && count > kMost / length) ? -1 : count * length;
    if (count < 0) {
      refuse(place, "the NumPy array is damaged: its shape is impossible");
    }
  }
  return shape;
}

/// Bytes of a number; 0 where the type has none that is read.
std::size_t item_size(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 12> kSizes = {{{"|u1", 1},
                                                                                {"|i1", 1},
                                                                                {"|b1", 1},
                                                                                {"<u2", 2},
                                                                                {"<i2", 2},
                                                                                {"<u4", 4},
                                                                                {"<i4", 4},
                                                                                {"<u8", 8},
                                                                                {"<i8", 8},
                                                                                {"<f4", 4},
                                                                                {"<f8", 8},
                                                                                {"<b1", 1}}};
  const auto* const found =
      std::find_if(kSizes.begin(), kSizes.end(), [&](const auto& one) { return one.first == type; });
  return found == kSizes.end() ? 0 : found->second;
}

NpyArray parse(std::string name, std::vector<std::uint8_t> file, const std::string& place) {
  constexpr std::size_t kShortHead = 10;
  constexpr std::size_t kLongHead = 12;
  const auto same = [](char wanted, std::uint8_t byte) { return static_cast<std::uint8_t>(wanted) == byte; };
  if (file.size() < kLongHead || !std::equal(kMagic.begin(), kMagic.end(), file.begin(), same)) {
    refuse(place, "is no NumPy array");
  }
  const std::size_t begin = file[kMagic.size()] == 1 ? kShortHead : kLongHead;
  std::size_t length = file[8] | static_cast<std::size_t>(file[9]) << 8U;
  length |= begin == kLongHead ? static_cast<std::size_t>(file[10]) << 16U | static_cast<std::size_t>(file[11]) << 24U
                               : std::size_t{0};
  if (file.size() - begin < length) {
    refuse(place, "the NumPy array is damaged: the file ends early");
  }
  const std::string head(file.begin() + static_cast<std::ptrdiff_t>(begin),
                         file.begin() + static_cast<std::ptrdiff_t>(begin + length));
  NpyArray array{std::move(name), {}, parse_shape(behind_key(head, "shape", place), place), {}};
  const std::string_view type = behind_key(head, "descr", place);
  array.type = type.starts_with('\'') ? type.substr(1, type.find('\'', 1) - 1) : type.substr(0, type.find(']'));
  if (behind_key(head, "fortran_order", place).starts_with("True")) {
    refuse(place, "the NumPy array lies in the order of Fortran", "numpy.save of numpy.ascontiguousarray(array)");
  }
  file.erase(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(begin + length));
  array.bytes = std::move(file);
  if (array.readable() && array.bytes.size() != array.count() * item_size(array.type)) {
    throw Error(ErrorKind::kData, place, "the NumPy array is damaged: its size is not what its head says",
                {{"bytes", fmt::format("{}", array.bytes.size())},
                 {"by the head", fmt::format("{}", array.count() * item_size(array.type))}},
                "a fresh copy of the file");
  }
  return array;
}

template <class T>
double number_at(const NpyArray& array, std::size_t index) {
  T value{};
  std::memcpy(&value, array.bytes.data() + index * sizeof(T), sizeof(T));
  return static_cast<double>(value);
}

}  // namespace

std::size_t NpyArray::count() const {
  return static_cast<std::size_t>(
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, [](auto a, auto b) { return a * b; }));
}

bool NpyArray::readable() const { return item_size(type) > 0; }

double NpyArray::at(std::size_t index) const {
  const char kind = type[1];
  switch (item_size(type)) {
    case 1:
      return kind == 'i' ? number_at<std::int8_t>(*this, index) : number_at<std::uint8_t>(*this, index);
    case 2:
      return kind == 'i' ? number_at<std::int16_t>(*this, index) : number_at<std::uint16_t>(*this, index);
    case 4:
      return kind == 'i'   ? number_at<std::int32_t>(*this, index)
             : kind == 'f' ? number_at<float>(*this, index)
                           : number_at<std::uint32_t>(*this, index);
    default:
      return kind == 'i'   ? number_at<std::int64_t>(*this, index)
             : kind == 'f' ? number_at<double>(*this, index)
                           : number_at<std::uint64_t>(*this, index);
  }
}

std::vector<NpyArray> read_numpy_file(const std::filesystem::path& file) {
  std::vector<NpyArray> arrays;
  if (file.extension() == ".npy") {
    arrays.push_back(parse(file.stem().string(), read_file(file), file.string()));
    return arrays;
  }
  ArchiveReader archive(file, ArchiveContent::kAll);
  while (std::optional<ArchiveEntry> entry = archive.next()) {
    const std::filesystem::path name = entry->name;
    if (name.extension() != ".npy") {
      continue;
    }
    const std::string place = fmt::format("{}:{}", file.string(), entry->name);
    if (!entry->problem.empty()) {
      refuse(place, "cannot be unpacked: " + entry->problem, "a fresh copy of the file");
    }
    arrays.push_back(parse(name.stem().string(), std::move(entry->bytes), place));
  }
  return arrays;
}

}  // namespace lapel::formats
