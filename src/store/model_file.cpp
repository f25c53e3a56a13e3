#include "store/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/json.h"
#include "lapel/error.h"
#include "lapel/version.h"
#include "model/views.h"
#include "store/content_checksum.h"

namespace lapel::store {

namespace {

using Json = nlohmann::ordered_json;
using Metadata = std::map<std::string, std::string>;

/// What `lapel.format` says. The second has `test_time_augmentation` in its preprocessing, which a program that knows
/// the first alone would pass over: so only a file that needs it is of the second.
constexpr std::string_view kPlainFormat = "1";
constexpr std::string_view kAugmentedFormat = "2";
/// The third has a `fit` or a `background` that the others do not know.
constexpr std::string_view kFittedFormat = "3";

constexpr const char* kChecksumKey = "lapel.checksum";

/// Of a training whose file says nothing of it.
constexpr std::string_view kPlainPrecision = "float32";

/// Of a picture's height, width and channels.
constexpr std::int64_t kMaxSize = 65536;

[[noreturn]] void damaged(const std::string& place, std::string problem, std::vector<ErrorFact> facts = {},
                          std::string hint = "the file as `lapel train` wrote it") {
  throw Error(ErrorKind::kModelFile, place, std::move(problem), std::move(facts), std::move(hint));
}

std::string shape_text(std::span<const std::int64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

const std::string& value_of(const Metadata& metadata, const std::string& key, const std::string& place) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) {
    damaged(place, fmt::format("the metadata have no \"{}\"", key));
  }
  return found->second;
}

void check_format(const Metadata& metadata, const std::string& place) {
  const auto found = metadata.find("lapel.format");
  if (found == metadata.end()) {
    damaged(place, "is a safetensors file, but holds no model of Lapel's",
            {{"missing", "\"lapel.format\" in its metadata"}}, "the model.safetensors of a run folder");
  }
  if (found->second != kPlainFormat && found->second != kAugmentedFormat && found->second != kFittedFormat) {
    const auto writer = metadata.find("lapel.version");
    damaged(place, fmt::format("has the format {}, which this version does not know", found->second),
            {{"known", fmt::format("{}, {} and {}", kPlainFormat, kAugmentedFormat, kFittedFormat)},
             {"written by", writer == metadata.end() ? "an unknown version" : "Lapel " + writer->second}},
            fmt::format("a newer Lapel than {}", version()));
  }
}

/// `read(value)` of one metadata value; what does not parse or has other types is an error that names the key.
template <class Read>
auto parsed(const Metadata& metadata, const std::string& key, std::string_view expected, const std::string& place,
            Read read) {
  const std::string& text = value_of(metadata, key, place);
  const JsonRefusal refuse = [&](const JsonProblem& problem) {
    damaged(place, fmt::format("\"{}\" in the metadata is not {}", key, expected),
            {{"because", fmt::format("it {}", problem.words)}, {"it is", text.substr(0, 80)}});
  };
  const nlohmann::json json = parse_json(text, refuse);
  return read(JsonValue(json, refuse));
}

std::vector<std::string> read_classes(const Metadata& metadata, const std::string& place) {
  return parsed(metadata, "lapel.classes", "a JSON list of names", place,
                [](const JsonValue& json) { return json.texts(); });
}

Preprocessing read_preprocessing(const Metadata& metadata, const std::string& place) {
  constexpr std::string_view kKey = "lapel.preprocessing";
  const auto text_of = [](const JsonValue& json, const char* key, const char* otherwise) {
    const auto found = json.find(key);
    return found ? found->text() : std::string(otherwise);
  };
  const auto preprocessing = parsed(metadata, std::string(kKey), "a JSON object of height, width, channels and scale",
                                    place, [&](const JsonValue& json) {
                                      return Preprocessing{json.at("height").integer(),
                                                           json.at("width").integer(),
                                                           json.at("channels").integer(),
                                                           json.at("scale").number(),
                                                           text_of(json, "test_time_augmentation", "none"),
                                                           text_of(json, "fit", "stretch"),
                                                           text_of(json, "background", "black")};
                                    });
  const auto& [height, width, channels, scale, views, fit, background] = preprocessing;
  const bool known_fit = fit == "stretch" || fit == "pad" || fit == "crop";
  if (!known_fit || (background != "black" && background != "white")) {
    damaged(place,
            fmt::format("\"{}\" in the metadata has the fit \"{}\" and the background \"{}\"", kKey, fit, background),
            {{"known", "stretch, pad, crop; black, white"}}, fmt::format("a newer Lapel than {}", version()));
  }
  const auto known = model::test_time_augmentations();
  if (std::find(known.begin(), known.end(), views) == known.end()) {
    damaged(place, fmt::format("\"{}\" in the metadata has the test_time_augmentation \"{}\"", kKey, views),
            {{"known", fmt::format("{}", fmt::join(known, ", "))}}, fmt::format("a newer Lapel than {}", version()));
  }
  for (const std::int64_t size : {height, width, channels}) {
    if (size < 1 || size > kMaxSize) {
      damaged(place, fmt::format("\"{}\" in the metadata has pictures of {} x {} x {}", kKey, height, width, channels),
              {{"allowed", fmt::format("each from 1 to {}", kMaxSize)}});
    }
  }
  if (!(scale > 0) || !std::isfinite(scale)) {
    damaged(place, fmt::format("\"{}\" in the metadata has the scale {}", kKey, scale), {{"allowed", "above 0"}});
  }
  return preprocessing;
}

/// Of the training; float32 where nothing is said.
std::string read_precision(const Metadata& metadata, const std::string& place) {
  const auto found = metadata.find("lapel.precision");
  if (found == metadata.end()) {
    return std::string(kPlainPrecision);
  }
  if (found->second != "bfloat16") {
    damaged(place, fmt::format("\"lapel.precision\" in the metadata is \"{}\"", found->second), {{"known", "bfloat16"}},
            fmt::format("a newer Lapel than {}", version()));
  }
  return found->second;
}

/// Classes and preprocessing against the model that they belong to.
void check_agreement(const ModelFile& content, const std::string& place) {
  const auto classes = static_cast<std::int64_t>(content.class_names.size());
  if (classes != content.model.outputs()) {
    damaged(place, "the model's outputs and the classes differ in number",
            {{"outputs", fmt::format("{}", content.model.outputs())}, {"classes", fmt::format("{}", classes)}});
  }
  const auto& [height, width, channels, scale, views, fit, background] = content.preprocessing;
  const Shape picture = Shape::image(channels, height, width);
  const Shape& input = content.model.input_shape();
  if (input.flat ? input.size() != picture.size() : input != picture) {
    damaged(place, "the model's input and the pictures differ in size",
            {{"input", input.text()}, {"pictures", picture.text()}});
  }
}

using NamedTensors = std::map<std::string, formats::Tensor, std::less<>>;

/// The first few, with their shapes.
std::string listed(const NamedTensors& tensors) {
  constexpr std::size_t kShown = 3;
  std::string text;
  std::size_t shown = 0;
  for (const auto& [name, tensor] : tensors) {
    if (shown++ == kShown) {
      return text + fmt::format(" and {} more", tensors.size() - kShown);
    }
    text += fmt::format("{}'{}' {}", text.empty() ? "" : ", ", name, shape_text(tensor.shape));
  }
  return text;
}

/// `tensors` in the order of the model's parameters: every one, in its shape, and none beyond.
std::vector<formats::Tensor> in_model_order(std::vector<formats::Tensor> tensors, const model::Model& model,
                                            const std::string& place) {
  NamedTensors named;
  for (auto& tensor : tensors) {
    std::string name = tensor.name;
    if (!named.emplace(name, std::move(tensor)).second) {
      damaged(place, fmt::format("tensor '{}' is there twice", name));
    }
  }
  std::vector<formats::Tensor> ordered;
  std::optional<formats::Tensor> missing;
  std::vector<ErrorFact> shapes;  // Of the first tensor in another shape.
  std::string misshapen;
  for (const auto& node : model.nodes()) {
    for (const auto& parameter : node.parameters) {
      const std::string name = node.name + "/" + parameter.name;
      const auto found = named.find(name);
      if (found == named.end()) {
        missing = missing ? missing : formats::Tensor{name, parameter.shape, {}};
        continue;
      }
      if (found->second.shape != parameter.shape && misshapen.empty()) {
        misshapen = name;
        shapes = {{"file", shape_text(found->second.shape)}, {"model", shape_text(parameter.shape)}};
      }
      ordered.push_back(std::move(found->second));
      named.erase(found);
    }
  }
  if (missing) {
    std::vector<ErrorFact> facts = {{"model", shape_text(missing->shape)}};
    if (!named.empty()) {
      facts.push_back({"only in the file", listed(named)});
    }
    damaged(place, fmt::format("tensor '{}' is missing", missing->name), std::move(facts));
  }
  if (!misshapen.empty()) {
    damaged(place, fmt::format("tensor '{}' has another shape than the model", misshapen), std::move(shapes));
  }
  if (!named.empty()) {
    const auto& [name, tensor] = *named.begin();
    damaged(place, fmt::format("tensor '{}' belongs to no layer of the model", name),
            {{"file", shape_text(tensor.shape)}});
  }
  for (const auto& tensor : ordered) {
    const auto bad =
        std::find_if(tensor.values.begin(), tensor.values.end(), [](float value) { return !std::isfinite(value); });
    if (bad != tensor.values.end()) {
      damaged(place, fmt::format("tensor '{}' has a number that is not finite", tensor.name),
              {{"number", fmt::format("{}, of {}", bad - tensor.values.begin(), tensor.values.size())},
               {"it is", fmt::format("{}", *bad)}});
    }
  }
  return ordered;
}

bool is_augmented(const Preprocessing& preprocessing) { return preprocessing.test_time_augmentation != "none"; }

bool is_fitted(const Preprocessing& preprocessing) {
  return preprocessing.fit != "stretch" || preprocessing.background != "black";
}

std::string preprocessing_json(const Preprocessing& preprocessing) {
  Json json{{"height", preprocessing.height},
            {"width", preprocessing.width},
            {"channels", preprocessing.channels},
            {"scale", preprocessing.scale}};
  if (is_augmented(preprocessing)) {
    json["test_time_augmentation"] = preprocessing.test_time_augmentation;
  }
  if (is_fitted(preprocessing)) {
    json["fit"] = preprocessing.fit;
    json["background"] = preprocessing.background;
  }
  return json.dump();
}

/// All metadata but the checksum, as it is over them.
std::string checked_text(const Metadata& metadata) {
  std::string text;
  for (const auto& [key, value] : metadata) {
    text += key == kChecksumKey ? std::string() : fmt::format("{}\n{}\n", key, value);
  }
  return text;
}

/// Files of older versions have no checksum.
void check_checksum(const Metadata& metadata, std::span<const formats::Tensor> tensors, const std::string& place) {
  const auto stored = metadata.find(kChecksumKey);
  if (stored == metadata.end()) {
    return;
  }
  const std::string computed = content_checksum(checked_text(metadata), views_of(tensors));
  if (computed != stored->second) {
    damaged(place, "the content does not agree with its checksum",
            {{"checksum", stored->second}, {"of the content", computed}},
            fmt::format("a fresh copy of the file; if the change is meant, \"{}\" taken out of the metadata",
                        kChecksumKey));
  }
}

/// As read_safetensors; what is wrong with the file comes with what to try.
formats::SafeTensors read_stored(const std::filesystem::path& file) {
  try {
    return formats::read_safetensors(file);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kModelFile || !error.hint().empty()) {
      throw;
    }
    throw Error(error.kind(), error.place(), error.problem(), error.facts(),
                "the model.safetensors of a run folder, or a fresh copy of it");
  }
}

}  // namespace

std::map<std::string, std::string> metadata_of(const ModelFile& content) {
  const auto format = is_fitted(content.preprocessing)      ? kFittedFormat
                      : is_augmented(content.preprocessing) ? kAugmentedFormat
                                                            : kPlainFormat;
  Metadata metadata{{"lapel.format", std::string(format)},
                    {"lapel.version", std::string(version())},
                    {"lapel.model", model::to_json(content.model)},
                    {"lapel.classes", Json(content.class_names).dump(-1, ' ', false, Json::error_handler_t::replace)},
                    {"lapel.preprocessing", preprocessing_json(content.preprocessing)}};
  if (!content.data_source.empty()) {
    metadata.emplace("lapel.data_source", content.data_source);
  }
  if (content.test_split > 0) {
    metadata.emplace("lapel.data_split",
                     Json{{"test_split", content.test_split}, {"split_seed", content.split_seed}}.dump());
  }
  if (content.precision != kPlainPrecision) {
    metadata.emplace("lapel.precision", content.precision);
  }
  return metadata;
}

void write_model_file(const std::filesystem::path& file, const ModelFile& content) {
  std::map<std::string, std::string> metadata = metadata_of(content);
  const std::vector<formats::TensorView> views = views_of(content.tensors);
  metadata.emplace(kChecksumKey, content_checksum(checked_text(metadata), views));
  formats::write_safetensors(file, metadata, views);
}

ModelFile read_model_file(const std::filesystem::path& file) {
  const std::string place = file.string();
  formats::SafeTensors stored = read_stored(file);
  const Metadata& metadata = stored.metadata;
  check_format(metadata, place);
  ModelFile content{model::from_json(value_of(metadata, "lapel.model", place), place),
                    read_classes(metadata, place),
                    read_preprocessing(metadata, place),
                    metadata.contains("lapel.data_source") ? metadata.at("lapel.data_source") : std::string(),
                    0,
                    1,
                    {},
                    read_precision(metadata, place)};
  if (metadata.contains("lapel.data_split")) {
    std::tie(content.test_split, content.split_seed) = parsed(
        metadata, "lapel.data_split", "a JSON object of test_split and split_seed", place, [](const JsonValue& json) {
          return std::pair{json.at("test_split").number_from(0, 1), json.at("split_seed").integer(0)};
        });
  }
  check_agreement(content, place);
  content.tensors = in_model_order(std::move(stored.tensors), content.model, place);
  check_checksum(metadata, content.tensors, place);
  return content;
}

std::vector<formats::Tensor> read_weights(const std::filesystem::path& file, const model::Model& model) {
  if (std::error_code ignored; std::filesystem::is_directory(file, ignored)) {
    throw Error(ErrorKind::kIo, file.string(), "is a folder, a file with weights is wanted", {},
                (file / "model.safetensors").string());
  }
  try {
    return in_model_order(formats::read_safetensors(file).tensors, model, file.string());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kModelFile) {
      throw;
    }
    throw Error(error.kind(), error.place(), error.problem(), error.facts(),
                "the weights of this model, under Keras's names, as `dense/kernel`");
  }
}

}  // namespace lapel::store
