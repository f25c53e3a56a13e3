#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "lapel/interop.h"
#include "store/model_file.h"

/// Files of other programs. Each format is one function and one line of the list; none knows another.
namespace lapel::interop {

/// One line of the list of formats.
struct Format {
  std::string_view name;
  std::string_view help;
  std::string_view missing;  ///< As ExportFormat has it.
  bool has_input = false;    ///< Whether ExportSettings::input can be chosen.
  /// Writes the model; says what it left out or converted. `missing` is empty.
  ExportResult (*write)(const store::ModelFile& model, const std::filesystem::path& out,
                        const ExportSettings& settings) = nullptr;
};

/// Every format there is, in a fixed order.
[[nodiscard]] std::span<const Format> formats();

/// Writes `model` as the settings say; see export_model.
[[nodiscard]] ExportResult write_model(const store::ModelFile& model, const std::filesystem::path& out,
                                       const ExportSettings& settings);

}  // namespace lapel::interop
