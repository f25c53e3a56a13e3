#include "store/history.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <optional>

namespace lapel::store {

namespace {

std::string cell(const std::optional<double>& value) { return value ? fmt::format("{}", *value) : std::string(); }

}  // namespace

std::string history_csv(std::span<const EpochResult> history, std::string_view separator) {
  constexpr std::array<std::string_view, 7> kColumns = {"epoch",    "accuracy",      "loss",   "val_accuracy",
                                                        "val_loss", "learning_rate", "seconds"};
  std::string text = fmt::format("{}\n", fmt::join(kColumns, separator));
  for (const EpochResult& result : history) {
    const std::array<std::string, 7> cells = {fmt::format("{}", result.epoch),
                                              fmt::format("{}", result.accuracy),
                                              fmt::format("{}", result.loss),
                                              cell(result.val_accuracy),
                                              cell(result.val_loss),
                                              fmt::format("{}", result.learning_rate),
                                              fmt::format("{:.3f}", result.seconds)};
    fmt::format_to(std::back_inserter(text), "{}\n", fmt::join(cells, separator));
  }
  return text;
}

std::vector<EpochResult> continued(const std::vector<EpochResult>& earlier, std::span<const EpochResult> current) {
  std::vector<EpochResult> all = earlier;
  for (EpochResult epoch : current) {
    epoch.epoch += static_cast<std::int64_t>(earlier.size());
    all.push_back(epoch);
  }
  return all;
}

}  // namespace lapel::store
