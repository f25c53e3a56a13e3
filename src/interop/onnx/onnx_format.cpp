#include "interop/onnx/onnx_format.h"

#include <fmt/format.h>

#include <cstdlib>
#include <limits>
#include <utility>

#include "formats/bytes.h"
#include "interop/onnx/builder.h"
#include "interop/onnx/layers.h"
#include "interop/onnx/write.h"
#include "lapel/error.h"
#include "lapel/version.h"
#include "model/views.h"

namespace lapel::interop {

namespace onnx {

namespace {

using Ints = std::vector<std::int64_t>;

/// The pictures as the model takes them, scaled, n, c, h, w.
std::string add_input(GraphBuilder& graph, const store::Preprocessing& pictures, bool takes_pixels) {
  const auto& [height, width, channels, scale, views, fit, background] = pictures;
  if (!takes_pixels) {
    return graph.input({"pictures",
                        ElementType::kFloat,
                        {"batch", channels, height, width},
                        fmt::format("pixels from 0 to 255, times {}", scale)});
  }
  const std::string pixels =
      graph.input({"pictures", ElementType::kUint8, {"batch", height, width, channels}, "pixels from 0 to 255"});
  const std::string floats =
      graph.add("Cast", "preprocessing/Cast", {pixels}, {{"to", static_cast<std::int64_t>(ElementType::kFloat)}});
  const std::string scaled =
      graph.add("Mul", "preprocessing/Mul", {floats, graph.number("preprocessing/scale", scale)});
  return graph.add("Transpose", "preprocessing/Transpose", {scaled}, {{"perm", Ints{0, 3, 1, 2}}});
}

/// One view of the pictures, as plan/show.h makes it: mirrored, then moved, with its edges repeated.
std::string add_view(GraphBuilder& graph, const model::View& view, const std::string& pictures,
                     const store::Preprocessing& size) {
  constexpr std::int64_t kBeforeFirst = std::numeric_limits<std::int64_t>::min();
  std::string value = pictures;
  if (view.mirrored) {
    value = graph.add("Slice", "views/mirrored",
                      {value, graph.integers("views/last", {-1}), graph.integers("views/before_first", {kBeforeFirst}),
                       graph.integers("views/axis", {3}), graph.integers("views/backwards", {-1})});
  }
  if (view.down == 0 && view.right == 0) {
    return value;
  }
  const auto before = [](std::int64_t move) { return move > 0 ? move : 0; };
  const Ints pads = {0, 0, before(view.down), before(view.right), 0, 0, before(-view.down), before(-view.right)};
  const std::string wide =
      graph.add("Pad", "views/padded", {value, graph.integers("views/pads", pads)}, {{"mode", std::string("edge")}});
  const std::int64_t top = before(-view.down);
  const std::int64_t left = before(-view.right);
  return graph.add(
      "Slice", "views/moved",
      {wide, graph.integers("views/starts", {top, left}),
       graph.integers("views/ends", {top + size.height, left + size.width}), graph.integers("views/axes", {2, 3})});
}

/// All views of the pictures, one after the other along the batch.
std::string add_views(GraphBuilder& graph, std::span<const model::View> views, const std::string& pictures,
                      const store::Preprocessing& size) {
  if (views.size() == 1) {
    return pictures;
  }
  std::vector<std::string> seen;
  for (const model::View& view : views) {
    seen.push_back(add_view(graph, view, pictures, size));
  }
  return graph.add("Concat", "views/all", std::move(seen), {{"axis", std::int64_t{0}}});
}

/// The mean of the logits over the views.
std::string add_mean(GraphBuilder& graph, std::span<const model::View> views, const std::string& logits,
                     std::int64_t classes) {
  if (views.size() == 1) {
    return logits;
  }
  const auto count = static_cast<std::int64_t>(views.size());
  std::vector<float> weights;
  for (const model::View& view : views) {
    weights.push_back(view.weight);
  }
  const std::string by_view =
      graph.add("Reshape", "views/logits", {logits, graph.integers("views/shape", {count, -1, classes})});
  const std::string weighted =
      graph.add("Mul", "views/weighted", {by_view, graph.floats("views/weights", {count, 1, 1}, std::move(weights))});
  return graph.add("ReduceSum", "views/mean", {weighted, graph.integers("views/first_axis", {0})},
                   {{"keepdims", std::int64_t{0}}});
}

std::string add_model(GraphBuilder& graph, const store::ModelFile& file, const std::string& pictures) {
  std::vector<std::string> values;
  for (const LayerView& layer : layer_views(file)) {
    if (values.empty()) {  // Input.
      const Shape picture =
          Shape::image(file.preprocessing.channels, file.preprocessing.height, file.preprocessing.width);
      values.push_back(layer.node().output_shape.flat ? add_flatten(graph, layer.name(), pictures, picture) : pictures);
      continue;
    }
    std::vector<std::string> inputs;
    for (const std::size_t input : layer.node().inputs) {
      inputs.push_back(values[input]);
    }
    values.push_back(add_layer(graph, layer, inputs, is_last_softmax(file, layer)));
  }
  return values.back();
}

}  // namespace

Model model_of(const store::ModelFile& file, bool takes_pixels) {
  const auto views = model::views_of(file.preprocessing.test_time_augmentation);
  GraphBuilder graph;
  const std::string pictures = add_input(graph, file.preprocessing, takes_pixels);
  const std::string logits = add_model(graph, file, add_views(graph, views, pictures, file.preprocessing));
  const std::string mean = add_mean(graph, views, logits, file.model.outputs());
  const std::string softmax = graph.add("Softmax", "softmax", {mean}, {{"axis", std::int64_t{1}}});
  graph.output(softmax, {"probabilities",
                         ElementType::kFloat,
                         {"batch", file.model.outputs()},
                         "one for each class, in the order of lapel.classes"});
  graph.graph().name = file.model.name();
  Model model{std::string(version()), graph.take(), {}};
  for (const auto& [key, value] : store::metadata_of(file)) {
    if (key != "lapel.format" && key != "lapel.model") {  // They speak of the model file, not of this graph.
      model.metadata.emplace_back(key, value);
    }
  }
  return model;
}

}  // namespace onnx

namespace {

/// A protobuf message cannot be larger.
constexpr std::size_t kMostBytes = (std::size_t{1} << 31U) - 1;

ExportResult write_onnx(const store::ModelFile& file, const std::filesystem::path& out,
                        const ExportSettings& settings) {
  const std::string bytes = onnx::to_bytes(onnx::model_of(file, settings.input == "uint8-nhwc"));
  if (bytes.size() > kMostBytes) {
    throw Error(ErrorKind::kUsage, out.string(), "cannot be written: an ONNX file has two gigabytes at most",
                {{"wanted", fmt::format("{} bytes", bytes.size())}}, "another format");
  }
  formats::write_text_file(out, bytes);
  return {{out}, {}};
}

}  // namespace

Format onnx_format() {
  return {.name = "onnx",
          .help = "ONNX, opset 17: ONNX Runtime and others; pictures in, probabilities out",
          .missing = {},
          .has_input = true,
          .write = write_onnx};
}

}  // namespace lapel::interop
