#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/options.h"
#include "interop/fold.h"
#include "interop/format.h"
#include "interop/onnx/onnx_format.h"
#include "interop/torch/torch_format.h"
#include "lapel/error.h"

namespace lapel::interop {

std::span<const Format> formats() {
  // The list, in the order of the documents.
  static const std::array kFormats = {onnx_format(), torch_format(), state_dict_format()};
  return kFormats;
}

namespace {

constexpr std::array<std::string_view, 2> kInputs = {"uint8-nhwc", "float32-nchw"};

const Format& find_format(const std::string& name) {
  std::vector<std::string_view> known;
  for (const Format& format : formats()) {
    if (format.name == name) {
      return format;
    }
    known.push_back(format.name);
  }
  throw Error(ErrorKind::kUsage, {}, fmt::format("unknown format \"{}\"", name),
              {{"known", fmt::format("{}", fmt::join(known, ", "))}}, nearest_word(name, known));
}

void check(const Format& format, const ExportSettings& settings) {
  if (!format.missing.empty()) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("this build of Lapel cannot write the format {}", format.name), {},
                std::string(format.missing));
  }
  if (std::find(kInputs.begin(), kInputs.end(), settings.input) == kInputs.end()) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("unknown input \"{}\"", settings.input),
                {{"known", fmt::format("{}", fmt::join(kInputs, ", "))}}, nearest_word(settings.input, kInputs));
  }
  if (!format.has_input && settings.input != kInputs.front()) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("the format {} has no choice of input", format.name), {},
                "input of the format onnx alone");
  }
}

}  // namespace

ExportResult write_model(const store::ModelFile& model, const std::filesystem::path& out,
                         const ExportSettings& settings) {
  const Format& format = find_format(settings.format);
  check(format, settings);
  Findings findings;
  if (model.precision != "float32") {
    add_remark(
        findings, FindingKind::kTaken,
        fmt::format("trained in {}; what is written answers in float32, as --precision float32 does", model.precision));
  }
  ExportResult result = settings.fold ? format.write(fold_batch_normalization(model, findings), out, settings)
                                      : format.write(model, out, settings);
  result.findings.insert(result.findings.begin(), findings.begin(), findings.end());
  return result;
}

}  // namespace lapel::interop
