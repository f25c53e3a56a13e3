#include "formats/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/memory.h"
#include "formats/bytes.h"
#include "formats/sniff.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

static_assert(std::endian::native == std::endian::little, "safetensors numbers are copied as they lie");

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMostHeaderBytes = 100'000'000;
constexpr const char* kMetadataKey = "__metadata__";

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::filesystem::path& file, std::string problem, std::vector<ErrorFact> facts = {}) {
  throw Error(ErrorKind::kModelFile, file.string(), std::move(problem), std::move(facts));
}

template <class T>
T load(const std::uint8_t* from) {
  T value{};
  std::memcpy(&value, from, sizeof(T));
  return value;
}

float from_bf16(const std::uint8_t* from) {
  return std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(from)} << 16U);
}

/// IEEE 754 binary16.
float from_f16(const std::uint8_t* from) {
  const std::uint32_t bits = load<std::uint16_t>(from);
  const std::uint32_t sign = (bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1fU;
  const std::uint32_t fraction = bits & 0x3ffU;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 0x1fU ? 0xffU : exponent + 112U;
  return std::bit_cast<float>(sign | wide << 23U | fraction << 13U);
}

struct NumberType {
  std::string_view name;
  std::uint64_t bytes;
  float (*to_float)(const std::uint8_t* from);
};

constexpr std::array kNumberTypes = {
    NumberType{"F32", 4, load<float>},
    NumberType{"BF16", 2, from_bf16},
    NumberType{"F16", 2, from_f16},
    NumberType{"F64", 8, [](const std::uint8_t* from) { return static_cast<float>(load<double>(from)); }},
};

std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A tensor's line in the header.
struct Entry {
  std::string name;
  const NumberType* type = nullptr;
  std::vector<std::int64_t> shape;
  std::uint64_t numbers = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Json parse_header(const std::filesystem::path& file, std::string_view text) {
  Json header = parse_json(text, [&](const JsonProblem& problem) {
    if (!problem.byte) {
      refuse(file, fmt::format("the header {}", problem.words));
    }
    refuse(file, fmt::format("not a safetensors file: its header {}", problem.words),
           {{"header", fmt::format("{} bytes", text.size())}, {"JSON error at byte", std::to_string(*problem.byte)}});
  });
  if (!header.is_object()) {
    refuse(file, fmt::format("not a safetensors file: its header is a JSON {}", header.type_name()));
  }
  return header;
}

std::map<std::string, std::string> read_metadata(const std::filesystem::path& file, const Json& header) {
  std::map<std::string, std::string> metadata;
  const auto found = header.find(kMetadataKey);
  if (found == header.end()) {
    return metadata;
  }
  if (!found->is_object()) {
    refuse(file, fmt::format("__metadata__ is a JSON {}, an object is wanted", found->type_name()));
  }
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) {
      refuse(file, fmt::format("__metadata__ '{}' is a JSON {}, a string is wanted", key, value.type_name()));
    }
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

/// The value of `key` as a list of integers from 0 to 2^63 - 1.
std::vector<std::int64_t> read_integers(const std::filesystem::path& file, const std::string& name, const Json& object,
                                        const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) {
    refuse(file, fmt::format("tensor '{}' has no list '{}'", name, key));
  }
  std::vector<std::int64_t> integers;
  for (const Json& value : *found) {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() >> 63U != 0) {
      refuse(file, fmt::format("tensor '{}': {} {} is not a list of sizes", name, key, found->dump()));
    }
    integers.push_back(value.get<std::int64_t>());
  }
  return integers;
}

/// The number of numbers of a shape; the largest value where it overflows.
std::uint64_t count_numbers(std::span<const std::int64_t> shape) {
  std::uint64_t count = 1;
  for (const std::int64_t length : shape) {
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(length), &count)) {
      return UINT64_MAX;
    }
  }
  return count;
}

Entry read_entry(const std::filesystem::path& file, const std::string& name, const Json& object) {
  if (!object.is_object()) {
    refuse(file, fmt::format("tensor '{}' is a JSON {}, an object is wanted", name, object.type_name()));
  }
  for (const auto& [key, value] : object.items()) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      refuse(file, fmt::format("tensor '{}' has the unknown key '{}'", name, key));
    }
  }
  const auto dtype = object.find("dtype");
  if (dtype == object.end() || !dtype->is_string()) {
    refuse(file, fmt::format("tensor '{}' has no text 'dtype'", name));
  }
  const auto text = dtype->get<std::string>();
  const auto* type = std::find_if(kNumberTypes.begin(), kNumberTypes.end(),
                                  [&](const NumberType& candidate) { return candidate.name == text; });
  if (type == kNumberTypes.end()) {
    refuse(file, fmt::format("tensor '{}' has dtype \"{}\", F32, BF16, F16 or F64 are wanted", name, text));
  }
  Entry entry{name, type, read_integers(file, name, object, "shape"), 0, 0, 0};
  const std::vector<std::int64_t> offsets = read_integers(file, name, object, "data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1]) {
    refuse(file,
           fmt::format("tensor '{}': data_offsets [{}] are not a begin and an end", name, fmt::join(offsets, ", ")));
  }
  entry.begin = static_cast<std::uint64_t>(offsets[0]);
  entry.end = static_cast<std::uint64_t>(offsets[1]);
  entry.numbers = count_numbers(entry.shape);
  const std::uint64_t bytes = entry.end - entry.begin;
  if (entry.numbers > UINT64_MAX / type->bytes || entry.numbers * type->bytes != bytes) {
    refuse(file,
           fmt::format("tensor '{}': {} numbers of shape [{}] do not fill data_offsets [{}]", name, text,
                       fmt::join(entry.shape, ", "), fmt::join(offsets, ", ")),
           {{"offsets hold", fmt::format("{} bytes", bytes)}});
  }
  return entry;
}

/// The tensors in the order of their places, which must follow each other from 0 to the end of the file.
std::vector<Entry> read_entries(const std::filesystem::path& file, const Json& header, std::uint64_t data_bytes) {
  std::vector<Entry> entries;
  for (const auto& [name, object] : header.items()) {
    if (name != kMetadataKey) {
      entries.push_back(read_entry(file, name, object));
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end) {
      refuse(file, fmt::format("tensor '{}' begins at byte {} of the data, the one before it ends at {}", entry.name,
                               entry.begin, end));
    }
    end = entry.end;
  }
  if (end != data_bytes) {
    refuse(file, fmt::format("the file {}: its header says {} bytes of numbers, {} are there",
                             data_bytes < end ? "ends early" : "is too long", end, data_bytes));
  }
  return entries;
}

/// The length of the header, from the first bytes of a file and, where it is known, its size.
std::uint64_t check_length(const std::filesystem::path& file, std::span<const std::uint8_t> bytes,
                           std::optional<std::uint64_t> size) {
  if (bytes.size() < kLengthBytes) {
    refuse(file, fmt::format("not a safetensors file: {} bytes, {} are wanted for its header's length alone",
                             bytes.size(), kLengthBytes));
  }
  const auto length = load<std::uint64_t>(bytes.data());
  if (length > kMostHeaderBytes) {
    std::vector<ErrorFact> facts = {{"begins with", first_bytes(bytes)}};
    if (std::string words = looks_like(bytes); !words.empty()) {
      facts.push_back({"looks like", std::move(words)});
    }
    refuse(file, fmt::format("not a safetensors file: a header of {} bytes, {} are possible", length, kMostHeaderBytes),
           std::move(facts));
  }
  if (size && length > *size - kLengthBytes) {
    refuse(file,
           fmt::format("the file ends within its header: it has {} bytes, {} are there", length, *size - kLengthBytes));
  }
  return length;
}

/// Looks at the first bytes, and before a large file is read at its header: a file of a few bytes on the disk can say
/// to have any size.
void check_begin(const std::filesystem::path& file, std::span<const std::uint8_t> first,
                 std::optional<std::uint64_t> size) {
  const std::uint64_t length = check_length(file, first, size);
  if (size.value_or(0) > kWorthChecking && length <= kMostJsonBytes) {
    const std::vector<std::uint8_t> begin = read_begin(file, kLengthBytes + length);
    const Json header = parse_header(file, text_of(std::span(begin).subspan(std::min(begin.size(), kLengthBytes))));
    static_cast<void>(read_entries(file, header, *size - kLengthBytes - length));
  }
}

Tensor read_tensor(const Entry& entry, std::span<const std::uint8_t> data) {
  Tensor tensor{entry.name, entry.shape, std::vector<float>(entry.numbers)};
  const std::uint8_t* from = data.data() + entry.begin;
  if (entry.type == kNumberTypes.data()) {
    if (entry.numbers > 0) {
      std::memcpy(tensor.values.data(), from, entry.numbers * sizeof(float));
    }
    return tensor;
  }
  for (float& value : tensor.values) {
    value = entry.type->to_float(from);
    from += entry.type->bytes;
  }
  return tensor;
}

/// The header of a file with these tensors, padded. Throws Error (kUsage) for what cannot be written.
std::string make_header(const std::filesystem::path& file, const std::map<std::string, std::string>& metadata,
                        std::span<const TensorView> tensors) {
  const auto misused = [&](const std::string& problem) {
    throw Error(ErrorKind::kUsage, file.string(), "cannot be written: " + problem);
  };
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) {
    header[kMetadataKey] = metadata;
  }
  std::set<std::string_view> names = {kMetadataKey};
  std::uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    if (!names.insert(tensor.name).second) {
      misused(fmt::format("the tensor name '{}' is taken", tensor.name));
    }
    const bool negative = std::any_of(tensor.shape.begin(), tensor.shape.end(), [](auto length) { return length < 0; });
    if (negative || count_numbers(tensor.shape) != tensor.values.size()) {
      misused(fmt::format("tensor '{}' of shape [{}] has {} numbers", tensor.name, fmt::join(tensor.shape, ", "),
                          tensor.values.size()));
    }
    const std::uint64_t end = offset + tensor.values.size_bytes();
    auto& entry = header.emplace(tensor.name, nlohmann::ordered_json::object()).first.value();
    entry["dtype"] = "F32";
    entry["shape"] = tensor.shape;
    entry["data_offsets"] = {offset, end};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error&) {
    misused("a tensor name or a metadata text is not UTF-8");
  }
  text.append((kLengthBytes - text.size() % kLengthBytes) % kLengthBytes, ' ');
  if (text.size() > kMostHeaderBytes) {
    misused(fmt::format("the header has {} bytes, {} are possible", text.size(), kMostHeaderBytes));
  }
  return text;
}

std::span<const std::uint8_t> bytes_of(const void* data, std::size_t bytes) {
  return {static_cast<const std::uint8_t*>(data), bytes};
}

}  // namespace

SafeTensors read_safetensors(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes =
      read_file(file, {.look = [&](auto first, auto size) { check_begin(file, first, size); }});
  const auto length = check_length(file, bytes, bytes.size());
  const auto data = std::span(bytes).subspan(kLengthBytes + length);
  try {
    const Json header = parse_header(file, text_of(std::span(bytes).subspan(kLengthBytes, length)));
    SafeTensors result{read_metadata(file, header), {}};
    for (const Entry& entry : read_entries(file, header, data.size())) {
      result.tensors.push_back(read_tensor(entry, data));
    }
    return result;
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kIo, file.string(), "there is not enough memory for the tensors");
  }
}

void write_safetensors(const std::filesystem::path& file, const std::map<std::string, std::string>& metadata,
                       std::span<const TensorView> tensors) {
  const std::string header = make_header(file, metadata, tensors);
  const std::uint64_t length = header.size();
  std::vector<std::span<const std::uint8_t>> parts = {bytes_of(&length, sizeof(length)),
                                                      bytes_of(header.data(), header.size())};
  for (const TensorView& tensor : tensors) {
    parts.push_back(bytes_of(tensor.values.data(), tensor.values.size_bytes()));
  }
  write_file_parts(file, parts);
}

}  // namespace lapel::formats
