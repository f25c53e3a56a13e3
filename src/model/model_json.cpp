#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "lapel/error.h"
#include "layers/input.h"
#include "model/model.h"

namespace lapel::model {

namespace {

using Json = nlohmann::json;

/// A place of its own inside the text, as `layers[2]`.
struct Cursor {
  const std::string& place;
  std::string where;

  [[noreturn]] void refuse(const std::string& problem) const {
    throw Error(ErrorKind::kModelFile, place,
                where.empty() ? fmt::format("the model description {}", problem)
                              : fmt::format("the model description at {} {}", where, problem));
  }
  [[nodiscard]] Cursor at(std::string_view key) const {
    return {place, where.empty() ? std::string(key) : fmt::format("{}.{}", where, key)};
  }
};

void check_keys(const Json& object, std::initializer_list<std::string_view> known, const Cursor& cursor) {
  if (!object.is_object()) {
    cursor.refuse("is not an object");
  }
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      cursor.refuse(fmt::format("has the unknown key \"{}\"", key));
    }
  }
}

std::string read_text(const Json& object, const char* key, const Cursor& cursor) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    cursor.refuse(fmt::format("has no text \"{}\"", key));
  }
  return found->get<std::string>();
}

std::int64_t read_integer(const Json& value, const Cursor& cursor, const char* problem) {
  const bool beyond = value.is_number_unsigned() && value.get<std::uint64_t>() >> 63U != 0;
  if (!value.is_number_integer() || beyond) {
    cursor.refuse(beyond ? "has an integer beyond 64 bits" : problem);
  }
  return value.get<std::int64_t>();
}

std::vector<std::int64_t> read_integers(const Json& list, const Cursor& cursor) {
  if (!list.is_array()) {
    cursor.refuse("is not a list of integers");
  }
  std::vector<std::int64_t> integers;
  for (const auto& item : list) {
    integers.push_back(read_integer(item, cursor, "is not a list of integers"));
  }
  return integers;
}

std::vector<double> read_numbers(const Json& list, const Cursor& cursor) {
  std::vector<double> numbers;
  for (const auto& item : list) {
    if (!item.is_number()) {
      cursor.refuse("is not a list of numbers");
    }
    numbers.push_back(item.get<double>());
  }
  return numbers;
}

OptionValue read_option(const Json& value, const Cursor& cursor) {
  if (value.is_boolean()) {
    return value.get<bool>();
  }
  if (value.is_number_integer()) {
    return read_integer(value, cursor, "is no integer");
  }
  if (value.is_number()) {
    return value.get<double>();
  }
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (value.is_array()) {
    const bool has_fraction =
        std::any_of(value.begin(), value.end(), [](const Json& item) { return item.is_number_float(); });
    return has_fraction ? OptionValue(read_numbers(value, cursor)) : OptionValue(read_integers(value, cursor));
  }
  cursor.refuse("is no value of an option");
}

LayerSpec read_layer(const Json& layer, const Cursor& cursor) {
  check_keys(layer, {"type", "name", "inputs", "options"}, cursor);
  LayerSpec spec;
  spec.type = read_text(layer, "type", cursor);
  spec.name = read_text(layer, "name", cursor);
  if (const auto inputs = layer.find("inputs"); inputs != layer.end()) {
    const Cursor here = cursor.at("inputs");
    if (!inputs->is_array()) {
      here.refuse("is not a list of names");
    }
    for (const auto& input : *inputs) {
      if (!input.is_string()) {
        here.refuse("is not a list of names");
      }
      spec.inputs.push_back(input.get<std::string>());
    }
  }
  if (const auto options = layer.find("options"); options != layer.end()) {
    const Cursor here = cursor.at("options");
    if (!options->is_object()) {
      here.refuse("is not an object");
    }
    for (const auto& [key, value] : options->items()) {
      spec.options.emplace(key, read_option(value, here.at(key)));
    }
  }
  return spec;
}

Shape read_shape(const Json& text, const Cursor& cursor) {
  const auto found = text.find("input_shape");
  if (found == text.end()) {
    cursor.refuse("has no \"input_shape\"");
  }
  const Cursor here = cursor.at("input_shape");
  const std::vector<std::int64_t> list = read_integers(*found, here);
  try {
    return layers::make_layer("Input", {{"shape", list}})->output_shape({});
  } catch (const Error& error) {
    here.refuse(fmt::format("is wrong: {}", error.problem()));
  }
}

}  // namespace

std::string to_json(const Model& model) {
  nlohmann::ordered_json text;
  text["name"] = model.name();
  const OptionValues input = layers::input_options(model.input_shape());
  text["input_shape"] = std::get<std::vector<std::int64_t>>(input.find("shape")->second);
  text["layers"] = nlohmann::ordered_json::array();
  for (const auto& spec : model.specs()) {
    nlohmann::ordered_json layer;
    layer["type"] = spec.type;
    layer["name"] = spec.name;
    if (!spec.inputs.empty()) {
      layer["inputs"] = spec.inputs;
    }
    layer["options"] = nlohmann::ordered_json::object();
    for (const auto& [key, value] : spec.options) {
      std::visit([&, &option = key](const auto& content) { layer["options"][option] = content; }, value);
    }
    text["layers"].push_back(std::move(layer));
  }
  return text.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Model from_json(std::string_view json, const std::string& place) {
  const Cursor cursor{place, {}};
  const Json text = parse_json(json, [&](const JsonProblem& problem) { cursor.refuse(problem.words); });
  check_keys(text, {"name", "input_shape", "layers"}, cursor);
  const auto layers = text.find("layers");
  if (layers == text.end() || !layers->is_array()) {
    cursor.refuse("has no list \"layers\"");
  }
  std::vector<LayerSpec> specs;
  for (std::size_t i = 0; i < layers->size(); ++i) {
    specs.push_back(read_layer((*layers)[i], cursor.at(fmt::format("layers[{}]", i))));
  }
  try {
    return {read_text(text, "name", cursor), specs, read_shape(text, cursor)};
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kModelFile) {
      throw;
    }
    const Error placed = error.within(place);
    throw Error(ErrorKind::kModelFile, placed.place(), placed.problem(), placed.facts(), placed.hint());
  }
}

}  // namespace lapel::model
