#include "interop/torch/torch_format.h"

#include <fmt/format.h>

#include <system_error>

#include "formats/bytes.h"
#include "interop/torch/module.h"
#include "lapel/error.h"

namespace lapel::interop {

namespace {

constexpr std::string_view kWeights = "model.safetensors";
constexpr std::string_view kModule = "model.py";

void write_state_dict(const store::ModelFile& file, const torch::Module& module, const std::filesystem::path& out) {
  std::map<std::string, std::string> metadata = {{"format", "pt"}};
  for (const auto& [key, value] : store::metadata_of(file)) {
    if (key != "lapel.format" && key != "lapel.model") {  // They speak of the model file.
      metadata.emplace(key, value);
    }
  }
  std::vector<formats::TensorView> views;
  for (const formats::Tensor& tensor : module.tensors) {
    views.push_back({tensor.name, tensor.shape, tensor.values});
  }
  formats::write_safetensors(out, metadata, views);
}

ExportResult write_weights(const store::ModelFile& file, const std::filesystem::path& out,
                           const ExportSettings& /*settings*/) {
  write_state_dict(file, torch::module_of(file), out);
  return {{out}, {}};
}

/// First the weights, then the module that reads them.
ExportResult write_folder(const store::ModelFile& file, const std::filesystem::path& out,
                          const ExportSettings& /*settings*/) {
  const torch::Module module = torch::module_of(file);
  std::error_code problem;
  std::filesystem::create_directories(out, problem);
  if (problem) {
    throw Error(ErrorKind::kIo, out.string(), "cannot be made: " + problem.message(), {}, "another folder");
  }
  const ExportResult result{{out / kModule, out / kWeights}, module.findings};
  write_state_dict(file, module, result.files[1]);
  formats::write_text_file(result.files[0], torch::python_text(file, module, std::string(kWeights)));
  return result;
}

}  // namespace

Format torch_format() {
  return {.name = "torch",
          .help = "a folder with model.py, a plain nn.Module of PyTorch's, and its weights as safetensors",
          .missing = {},
          .has_input = false,
          .write = write_folder};
}

Format state_dict_format() {
  return {.name = "safetensors",
          .help = "these weights alone, as a state dict: PyTorch's names and layouts",
          .missing = {},
          .has_input = false,
          .write = write_weights};
}

}  // namespace lapel::interop
