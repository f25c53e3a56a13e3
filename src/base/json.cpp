#include "base/json.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "lapel/error.h"

namespace lapel {

namespace {

using nlohmann::json;

/// Looks at a text while it is parsed. What its values take is counted as base/limits.h says.
class Watch {
 public:
  Watch(const JsonRefusal& refuse, std::size_t most_values) : refuse_(refuse), left_(most_values) {}

  void operator()(json::parse_event_t event, const json& value) {
    constexpr std::size_t kOfContainer = 4;
    constexpr std::size_t kOfKey = 6;
    switch (event) {
      case json::parse_event_t::object_start:
        enter(kOfKey);
        break;
      case json::parse_event_t::array_start:
        enter(kOfContainer);
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        keys_.pop_back();
        break;
      case json::parse_event_t::key:
        take(kOfKey);
        if (!keys_.back().insert(value.get<std::string>()).second) {
          refuse_({fmt::format("has the key '{}' twice", value.get<std::string>())});
        }
        break;
      case json::parse_event_t::value:
        take(value.is_string() ? kOfContainer : 1);
        break;
    }
  }

 private:
  void enter(std::size_t cost) {
    take(cost);
    keys_.emplace_back();
    if (keys_.size() > kDeepest) {
      refuse_({fmt::format("has more than {} lists or objects within each other", kDeepest)});
    }
  }

  void take(std::size_t cost) {
    if (cost > left_) {
      refuse_({"has more values than are read"});
    }
    left_ -= cost;
  }

  const JsonRefusal& refuse_;
  std::size_t left_;
  std::vector<std::set<std::string>> keys_;  ///< Of the objects and lists that are open.
};

}  // namespace

json parse_json(std::string_view text, const JsonRefusal& refuse, std::size_t most_values) {
  if (text.size() > kMostJsonBytes) {
    refuse({fmt::format("has {} bytes of JSON, {} are read", text.size(), kMostJsonBytes)});
  }
  Watch watch(refuse, most_values);
  try {
    return json::parse(text, [&](int, json::parse_event_t event, json& value) {
      watch(event, value);
      return true;
    });
  } catch (const json::parse_error& error) {
    refuse({"is not JSON", error.byte});
  } catch (const json::exception&) {
    refuse({"has a number beyond those of float64"});
  }
  throw Error(ErrorKind::kInternal, {}, "a JSON text that is refused was not");
}

void JsonValue::fail(const std::string& problem) const {
  (*refuse_)({way_.empty() ? problem : fmt::format("\"{}\" {}", way_, problem)});
  throw Error(ErrorKind::kInternal, {}, "a JSON value that is refused was not");
}

std::string JsonValue::way_to(std::string_view key) const {
  return way_.empty() ? std::string(key) : fmt::format("{}.{}", way_, key);
}

JsonValue JsonValue::at(const char* key) const {
  if (auto found = find(key)) {
    return *std::move(found);
  }
  fail(fmt::format("has no \"{}\"", key));
}

std::optional<JsonValue> JsonValue::find(const char* key) const {
  if (!json_->is_object()) {
    fail("is no object");
  }
  const auto found = json_->find(key);
  return found == json_->end() || found->is_null() ? std::nullopt
                                                   : std::optional(JsonValue(*found, *refuse_, way_to(key)));
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::entries() const {
  if (!json_->is_object()) {
    fail("is no object");
  }
  std::vector<std::pair<std::string, JsonValue>> result;
  for (const auto& [key, value] : json_->items()) {
    result.emplace_back(key, JsonValue(value, *refuse_, way_to(key)));
  }
  return result;
}

const json& JsonValue::list() const {
  if (!json_->is_array()) {
    fail("is no list");
  }
  return *json_;
}

std::vector<JsonValue> JsonValue::items(std::size_t least) const {
  std::vector<JsonValue> result;
  for (const json& item : list()) {
    result.emplace_back(item, *refuse_, fmt::format("{}[{}]", way_, result.size()));
  }
  if (result.size() < least) {
    fail(fmt::format("has {} values, {} are wanted", result.size(), least));
  }
  return result;
}

std::string JsonValue::text() const {
  if (!json_->is_string()) {
    fail("is no text");
  }
  return json_->get<std::string>();
}

double JsonValue::number() const {
  if (!json_->is_number()) {
    fail("is no number");
  }
  return json_->get<double>();
}

double JsonValue::number_from(double least, double most) const {
  const double value = number();
  if (!(value >= least && value <= most)) {
    fail(fmt::format("is {}, {} is wanted", value,
                     most == std::numeric_limits<double>::max() ? fmt::format("{} or more", least)
                                                                : fmt::format("a number from {} to {}", least, most)));
  }
  return value;
}

std::int64_t JsonValue::integer(std::int64_t least, std::int64_t most) const {
  const bool fits = json_->is_number_integer() &&
                    (!json_->is_number_unsigned() || std::cmp_less_equal(json_->get<std::uint64_t>(), most));
  if (!fits) {
    fail(json_->is_number_integer() ? "is an integer beyond what is possible" : "is no integer");
  }
  const auto value = json_->get<std::int64_t>();
  if (value < least) {
    fail(fmt::format("is {}, {} or more is wanted", value, least));
  }
  return value;
}

std::vector<std::string> JsonValue::texts() const {
  std::vector<std::string> result;
  for (const json& item : list()) {
    if (!item.is_string()) {
      fail("is no list of texts");
    }
    result.push_back(item.get<std::string>());
  }
  return result;
}

std::vector<float> JsonValue::floats() const {
  std::vector<float> result;
  for (const json& item : list()) {
    if (!item.is_number()) {
      fail("is no list of numbers");
    }
    const auto value = item.get<double>();
    if (std::abs(value) > std::numeric_limits<float>::max()) {
      fail("is no list of numbers of float32");
    }
    result.push_back(static_cast<float>(value));
  }
  return result;
}

}  // namespace lapel
