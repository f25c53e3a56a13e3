#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"

/// JSON text that anyone may have written.
namespace lapel {

/// What is wrong with a JSON text, and for one that is none the byte at which it is seen.
struct JsonProblem {
  std::string words;
  std::optional<std::size_t> byte = {};
};

/// Throws the Error that says so; whoever reads knows the place.
using JsonRefusal = std::function<void(const JsonProblem&)>;

/// Parses a text within the limits of base/limits.h. Calls `refuse` for one beyond them, for one that is not JSON, has
/// a number beyond those of float64, or a key twice in an object: JSON leaves open which of them counts.
[[nodiscard]] nlohmann::json parse_json(std::string_view text, const JsonRefusal& refuse,
                                        std::size_t most_values = kMostJsonValues);

/// A value of a parsed text and the way to it (`history[3][0]`), which what is refused names. Every function calls
/// `refuse` for a value of another kind.
class JsonValue {
 public:
  JsonValue(const nlohmann::json& json, const JsonRefusal& refuse, std::string way = {})
      : json_(&json), refuse_(&refuse), way_(std::move(way)) {}

  /// Of an object: what stands at the key.
  [[nodiscard]] JsonValue at(const char* key) const;
  /// The same; nothing where the key is missing, or null is there.
  [[nodiscard]] std::optional<JsonValue> find(const char* key) const;
  [[nodiscard]] std::vector<std::pair<std::string, JsonValue>> entries() const;

  /// Of a list: its values; at least `least`.
  [[nodiscard]] std::vector<JsonValue> items(std::size_t least = 0) const;

  [[nodiscard]] bool is_text() const { return json_->is_string(); }
  [[nodiscard]] bool is_null() const { return json_->is_null(); }
  [[nodiscard]] std::string text() const;
  [[nodiscard]] double number() const;
  [[nodiscard]] double number_from(double least, double most = std::numeric_limits<double>::max()) const;
  [[nodiscard]] std::int64_t integer(std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                                     std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  [[nodiscard]] std::vector<std::string> texts() const;
  /// A list of integers from 0 to `most`, which T holds.
  template <class T>
  [[nodiscard]] std::vector<T> integers(T most = std::numeric_limits<T>::max()) const {
    std::vector<T> result;
    for (const nlohmann::json& item : list()) {
      if (!item.is_number_unsigned() || item.get<std::uint64_t>() > static_cast<std::uint64_t>(most)) {
        fail("is no list of integers from 0 to " + std::to_string(most));
      }
      result.push_back(static_cast<T>(item.get<std::uint64_t>()));
    }
    return result;
  }
  [[nodiscard]] std::vector<float> floats() const;

  /// Calls `refuse`: `problem` follows the way.
  [[noreturn]] void fail(const std::string& problem) const;

 private:
  [[nodiscard]] const nlohmann::json& list() const;
  [[nodiscard]] std::string way_to(std::string_view key) const;

  const nlohmann::json* json_;
  const JsonRefusal* refuse_;
  std::string way_;
};

}  // namespace lapel
