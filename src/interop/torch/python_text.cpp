#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "interop/torch/module.h"
#include "lapel/version.h"
#include "model/views.h"

namespace lapel::interop::torch {

namespace {

/// Behind the constants and the model.
constexpr std::string_view kEnd = R"(
    def probabilities(self, pixels):
        """Of pictures as bytes, n x height x width x channels: as NumPy and Pillow have them."""
        pictures = torch.as_tensor(pixels).permute(0, 3, 1, 2).to(torch.float32) * SCALE
        logits = sum(weight * self(seen(pictures, *view)) for *view, weight in VIEWS)
        return torch.softmax(logits, 1)


def seen(pictures, mirrored, down, right):
    """One view of the pictures: mirrored from left to right or not, then moved, with their edges repeated."""
    if mirrored:
        pictures = torch.flip(pictures, (3,))
    height, width = pictures.shape[2:]
    rows = torch.clamp(torch.arange(height) - down, 0, height - 1)
    columns = torch.clamp(torch.arange(width) - right, 0, width - 1)
    return pictures[:, :, rows][:, :, :, columns]


def load(file=WEIGHTS):
    """The model with its weights, ready to answer; `model.train()` makes it ready to be trained on."""
    model = Model()
    model.load_state_dict(load_file(file))
    return model.eval()
)";

/// A JSON text is a literal of Python's for numbers, texts and lists of them.
std::string literal(const nlohmann::json& json) {
  return json.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string views_text(const std::string& name) {
  std::string text;
  for (const model::View& view : model::views_of(name)) {
    text +=
        fmt::format("    ({}, {}, {}, {}),\n", view.mirrored ? "True" : "False", view.down, view.right, view.weight);
  }
  return text;
}

}  // namespace

std::string python_text(const store::ModelFile& file, const Module& module, const std::string& weights) {
  const auto& [height, width, channels, scale, views, fit, background] = file.preprocessing;
  std::string text = fmt::format(
      "# Written by Lapel {}. Needs the packages torch and safetensors, and {} beside it.\nimport pathlib\n\n"
      "import torch\nimport torch.nn.functional as F\nfrom safetensors.torch import load_file\nfrom torch import nn\n\n"
      "WEIGHTS = pathlib.Path(__file__).with_name({})\n"
      "CLASSES = {}\n"
      "HEIGHT, WIDTH, CHANNELS = {}, {}, {}\n"
      "SCALE = {}  # Of a pixel.\n"
      "VIEWS = [  # Mirrored, moved down, moved to the right, weight.\n{}]\n\n\n",
      version(), weights, literal(weights), literal(file.class_names), height, width, channels, scale,
      views_text(views));
  text += "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n";
  for (const std::string& line : module.made) {
    text += fmt::format("        {}\n", line);
  }
  text +=
      "\n    def forward(self, pictures):\n"
      "        \"\"\"Logits of pictures as floats, n x channels x height x width: pixels times SCALE.\"\"\"\n";
  for (const std::string& line : module.run) {
    text += fmt::format("        {}\n", line);
  }
  return text + fmt::format("        return {}\n", module.result) + std::string(kEnd);
}

}  // namespace lapel::interop::torch
