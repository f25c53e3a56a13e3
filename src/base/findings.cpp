#include "lapel/findings.h"

#include <algorithm>
#include <utility>

namespace lapel {

void add_finding(Findings& findings, FindingKind kind, std::string_view what, const std::string& example,
                 std::int64_t count) {
  auto found = std::find_if(findings.begin(), findings.end(),
                            [&](const Finding& one) { return one.kind == kind && one.what == what; });
  if (found == findings.end()) {
    found = findings.insert(findings.end(), {kind, std::string(what), 0, {}});
  }
  found->count += count;
  if (!example.empty() && found->examples.size() < kMostExamples) {
    found->examples.push_back(example);
  }
}

void add_remark(Findings& findings, FindingKind kind, std::string what) {
  findings.push_back({kind, std::move(what), 0, {}});
}

}  // namespace lapel
