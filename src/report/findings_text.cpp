#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lapel/report.h"
#include "report/text.h"

namespace lapel {

std::string to_text(const Finding& finding) {
  std::string text = finding.kind == FindingKind::kLeftOut   ? "left out: "
                     : finding.kind == FindingKind::kWarning ? "warning: "
                                                             : "note: ";
  text += finding.count > 0 ? fmt::format("{} {}", report::grouped(finding.count), finding.what) : finding.what;
  if (!finding.examples.empty()) {
    const bool more = finding.count > static_cast<std::int64_t>(finding.examples.size());
    text += fmt::format(" ({}{})", fmt::join(finding.examples, ", "), more ? ", ..." : "");
  }
  return text + "\n";
}

std::string to_text(const Findings& findings) {
  std::string text;
  for (const Finding& one : findings) {
    text += to_text(one);
  }
  return text;
}

}  // namespace lapel
