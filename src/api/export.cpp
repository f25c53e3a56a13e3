#include "api/classifier_impl.h"
#include "interop/format.h"
#include "lapel/interop.h"

namespace lapel {

std::vector<ExportFormat> export_formats() {
  std::vector<ExportFormat> formats;
  for (const interop::Format& format : interop::formats()) {
    formats.push_back({std::string(format.name), std::string(format.help), std::string(format.missing)});
  }
  return formats;
}

ExportResult export_model(const Classifier& classifier, const std::filesystem::path& out,
                          const ExportSettings& settings) {
  return interop::write_model(classifier.impl_->file(), out, settings);
}

}  // namespace lapel
