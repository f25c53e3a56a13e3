#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lapel/classifier.h"
#include "lapel/findings.h"

/// Models in other programs' files (docs/interop.md).
namespace lapel {

/// A format in which models can be written.
struct ExportFormat {
  std::string name;     ///< `onnx`
  std::string help;     ///< Who reads it, in a few words.
  std::string missing;  ///< What this build lacks for it, and how to get it; empty where it is there.
};

/// In the order of the documents.
[[nodiscard]] std::vector<ExportFormat> export_formats();

struct ExportSettings {
  std::string format = "onnx";       ///< The name of one of export_formats().
  std::string input = "uint8-nhwc";  ///< What an ONNX graph takes: that, pixels; or "float32-nchw", pixels x scale.
  bool fold = false;                 ///< Whether a BatchNormalization right after a layer of weights is joined to it.
};

struct ExportResult {
  std::vector<std::filesystem::path> files;  ///< What was written.
  Findings findings;                         ///< What was left out or converted.
};

/// Writes the model, with its classes and preprocessing as far as the format can hold them, atomically. `out` is a
/// file; of the format "torch" a folder, which is made. What is there under the same name is replaced. Throws Error:
/// kUsage (an unknown format or input, one that this build lacks, or that does not go together), kRecipe (a layer that
/// the format cannot express: it is named), kIo.
[[nodiscard]] ExportResult export_model(const Classifier& classifier, const std::filesystem::path& out,
                                        const ExportSettings& settings = {});

}  // namespace lapel
