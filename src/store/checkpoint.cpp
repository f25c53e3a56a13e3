#include "store/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>

#include "base/json.h"
#include "formats/checksum.h"
#include "lapel/error.h"
#include "store/content_checksum.h"

namespace lapel::store {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::string_view kFormat = "3";
/// The same without callbacks, and its checksum is not over the format.
constexpr std::string_view kFormatBefore = "2";

/// What the names of checkpoints begin with; the number of steps follows.
constexpr std::string_view kBegin = "step-";

fs::path folder_of(const fs::path& run) { return run / "checkpoints"; }

template <class T>
std::uint32_t crc_of(std::span<const T> values) {
  return formats::crc32_of({reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()});
}

Json json_of(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

/// Steps of all members.
std::int64_t steps_of(const Checkpoint& checkpoint) {
  std::int64_t steps = checkpoint.steps;
  for (const auto& member : checkpoint.finished) {
    steps += member.steps;
  }
  return steps;
}

std::optional<double> optional_of(const JsonValue& json) {
  return json.is_null() ? std::nullopt : std::optional(json.number());
}

/// A number of a callback may be infinite, or none, which JSON cannot say.
Json json_of(double value) { return std::isfinite(value) ? Json(value) : Json(fmt::format("{}", value)); }

double number_of(const JsonValue& json) {
  if (!json.is_text()) {
    return json.number();
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::string text = json.text();
  if (text != "inf" && text != "-inf" && text != "nan" && text != "-nan") {
    json.fail("is no number");
  }
  return text == "inf" ? kInfinity : text == "-inf" ? -kInfinity : std::numeric_limits<double>::quiet_NaN();
}

Json callbacks_json(const std::vector<CallbackState>& callbacks) {
  Json all = Json::array();
  for (const auto& state : callbacks) {
    Json numbers = Json::object();
    for (const auto& [name, value] : state.numbers) {
      numbers[name] = json_of(value);
    }
    all.push_back(std::move(numbers));
  }
  return all;
}

/// The tensor with the weights of callback `index`.
std::string callback_tensor(std::size_t index) { return fmt::format("callback_{}/weights", index); }

/// Everything but recipe and tensors. Numbers come back bit for bit.
std::string state_json(const Checkpoint& checkpoint) {
  Json history = Json::array();
  for (const auto& epoch : checkpoint.history) {
    history.push_back({epoch.epoch, epoch.accuracy, epoch.loss, json_of(epoch.val_accuracy), json_of(epoch.val_loss),
                       epoch.learning_rate, epoch.seconds});
  }
  Json finished = Json::array();
  for (const auto& member : checkpoint.finished) {
    finished.push_back({member.steps, member.epochs, member.seconds, member.stopped_by});
  }
  return Json{{"data_checksum", checkpoint.data_checksum},
              {"finished", std::move(finished)},
              {"steps", checkpoint.steps},
              {"epoch", checkpoint.epoch},
              {"epoch_steps", checkpoint.epoch_steps},
              {"loss_sum", checkpoint.loss_sum},
              {"correct", checkpoint.correct},
              {"epoch_seconds", checkpoint.epoch_seconds},
              {"seconds", checkpoint.seconds},
              {"elapsed", checkpoint.elapsed},
              {"learning_rate", json_of(checkpoint.learning_rate)},
              {"stopped_by", checkpoint.stopped_by},
              {"callbacks", callbacks_json(checkpoint.callbacks)},
              {"history", std::move(history)}}
      .dump();
}

/// Steps and epochs have as many at most; sums of them stay within 64 bits.
constexpr std::int64_t kMostCount = std::int64_t{1} << 50U;

void read_finished(const JsonValue& json, Checkpoint& checkpoint) {
  for (const JsonValue& row : json.items()) {
    const auto cells = row.items(3);
    checkpoint.finished.push_back({cells[0].integer(0, kMostCount), cells[1].integer(0, kMostCount),
                                   cells[2].number_from(0), cells.size() > 3 ? cells[3].text() : std::string()});
  }
}

void read_history(const JsonValue& json, Checkpoint& checkpoint) {
  for (const JsonValue& row : json.items()) {
    const auto cells = row.items(7);
    checkpoint.history.push_back({cells[0].integer(1, kMostCount), cells[1].number(), cells[2].number(),
                                  optional_of(cells[3]), optional_of(cells[4]), cells[5].number(),
                                  cells[6].number_from(0)});
  }
}

void read_state(const JsonValue& json, Checkpoint& checkpoint) {
  constexpr auto kMostChecksum = std::numeric_limits<std::uint32_t>::max();
  checkpoint.data_checksum = static_cast<std::uint32_t>(json.at("data_checksum").integer(0, kMostChecksum));
  read_finished(json.at("finished"), checkpoint);
  checkpoint.steps = json.at("steps").integer(0, kMostCount);
  checkpoint.epoch = json.at("epoch").integer(1, kMostCount);
  checkpoint.epoch_steps = json.at("epoch_steps").integer(0, kMostCount);
  checkpoint.loss_sum = json.at("loss_sum").number();
  checkpoint.correct = json.at("correct").integer(0, kMostCount);
  checkpoint.epoch_seconds = json.at("epoch_seconds").number_from(0);
  checkpoint.seconds = json.at("seconds").number_from(0);
  checkpoint.elapsed = json.at("elapsed").number_from(0);
  if (const auto rate = json.find("learning_rate")) {
    checkpoint.learning_rate = rate->number();
  }
  if (const auto reason = json.find("stopped_by")) {
    checkpoint.stopped_by = reason->text();
  }
  if (const auto callbacks = json.find("callbacks")) {
    for (const JsonValue& numbers : callbacks->items()) {
      CallbackState& state = checkpoint.callbacks.emplace_back();
      for (const auto& [name, value] : numbers.entries()) {
        state.numbers[name] = number_of(value);
      }
    }
  }
  read_history(json.at("history"), checkpoint);
}

/// One number for all of the content.
std::string checksum_text(std::string_view format, const std::string& recipe, const std::string& state,
                          std::span<const formats::TensorView> tensors) {
  const std::string before = format == kFormatBefore ? std::string() : fmt::format("{}\n", format);
  return content_checksum(fmt::format("{}{}\n{}", before, recipe, state), tensors);
}

/// Files of checkpoints, the last one first.
std::vector<fs::path> checkpoint_files(const fs::path& run) {
  std::vector<fs::path> files;
  std::error_code problem;
  for (fs::directory_iterator entry(folder_of(run), problem), end; !problem && entry != end; entry.increment(problem)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(kBegin) && entry->path().extension() == ".safetensors") {
      files.push_back(entry->path());
    }
  }
  // By the number, then the name: names with more digits come before others by their letters.
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    const auto key = [](const fs::path& file) {
      const std::string name = file.stem().string();
      const auto digits = name.find_first_not_of('0', kBegin.size());
      const std::string number = digits == std::string::npos ? std::string() : name.substr(digits);
      return std::tuple(number.size(), number, name);
    };
    return key(a) > key(b);
  });
  return files;
}

void take_callback_weights(Checkpoint& checkpoint) {
  for (std::size_t i = 0; i < checkpoint.callbacks.size(); ++i) {
    const auto found = std::find_if(checkpoint.tensors.begin(), checkpoint.tensors.end(),
                                    [&](const auto& tensor) { return tensor.name == callback_tensor(i); });
    if (found != checkpoint.tensors.end()) {
      checkpoint.callbacks[i].weights = std::move(found->values);
      checkpoint.tensors.erase(found);
    }
  }
}

Checkpoint read_checkpoint(const fs::path& file) {
  formats::SafeTensors stored = formats::read_safetensors(file);
  const auto text = [&](const char* key) -> const std::string& {
    const auto found = stored.metadata.find(key);
    if (found == stored.metadata.end()) {
      throw Error(ErrorKind::kModelFile, file.string(), fmt::format("\"{}\" is missing in the metadata", key));
    }
    return found->second;
  };
  const std::string& format = text("lapel.checkpoint");
  if (format != kFormat && format != kFormatBefore) {
    throw Error(ErrorKind::kModelFile, file.string(), "a checkpoint of another version of lapel",
                {{"format", format}, {"known", fmt::format("{} and {}", kFormatBefore, kFormat)}});
  }
  if (text("lapel.checksum") !=
      checksum_text(format, text("lapel.recipe"), text("lapel.state"), views_of(stored.tensors))) {
    throw Error(ErrorKind::kModelFile, file.string(), "its content does not agree with its checksum");
  }
  Checkpoint checkpoint;
  checkpoint.recipe = text("lapel.recipe");
  const JsonRefusal refuse = [&](const JsonProblem& problem) {
    throw Error(ErrorKind::kModelFile, file.string(), fmt::format("its state {}", problem.words));
  };
  const nlohmann::json state = parse_json(text("lapel.state"), refuse);
  read_state(JsonValue(state, refuse), checkpoint);
  checkpoint.tensors = std::move(stored.tensors);
  take_callback_weights(checkpoint);
  return checkpoint;
}

/// What to do about a damaged checkpoint, where `older` is the one before it.
std::string way_out(const fs::path& run, const fs::path& damaged, const fs::path* older) {
  if (older != nullptr) {
    try {
      const std::int64_t steps = steps_of(read_checkpoint(*older));
      return fmt::format("remove it: the one before it is whole, and the training goes on after step {}", steps);
    } catch (const Error&) {
      return fmt::format("lapel train {}, which begins again: the one before it is damaged as well",
                         (run / "recipe.toml").string());
    }
  }
  return fmt::format("a copy of {}, or lapel train {}, which begins again", damaged.filename().string(),
                     (run / "recipe.toml").string());
}

}  // namespace

void write_checkpoint(const fs::path& run, const Checkpoint& checkpoint) {
  std::error_code problem;
  fs::create_directory(folder_of(run), problem);
  const std::string state = state_json(checkpoint);
  std::vector<formats::TensorView> views = views_of(checkpoint.tensors);
  for (std::size_t i = 0; i < checkpoint.callbacks.size(); ++i) {
    const auto& weights = checkpoint.callbacks[i].weights;
    if (!weights.empty()) {
      views.push_back({callback_tensor(i), {std::ssize(weights)}, weights});
    }
  }
  formats::write_safetensors(folder_of(run) / fmt::format("{}{:09}.safetensors", kBegin, steps_of(checkpoint)),
                             {{"lapel.checkpoint", std::string(kFormat)},
                              {"lapel.recipe", checkpoint.recipe},
                              {"lapel.state", state},
                              {"lapel.checksum", checksum_text(kFormat, checkpoint.recipe, state, views)}},
                             views);
  const auto files = checkpoint_files(run);
  for (std::size_t i = kCheckpointsKept; i < files.size(); ++i) {
    fs::remove(files[i], problem);
  }
}

Checkpoint read_last_checkpoint(const fs::path& run) {
  const auto files = checkpoint_files(run);
  if (files.empty()) {
    throw Error(ErrorKind::kUsage, run.string(), "there is no checkpoint from which this run could go on", {},
                fmt::format("lapel train {}, which begins again", (run / "recipe.toml").string()));
  }
  try {
    return read_checkpoint(files.front());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kModelFile) {
      throw;
    }
    throw Error(ErrorKind::kModelFile, files.front().string(),
                fmt::format("the checkpoint is damaged: {}", error.problem()), error.facts(),
                way_out(run, files.front(), files.size() > 1 ? &files[1] : nullptr));
  }
}

bool has_checkpoint(const fs::path& run) { return !checkpoint_files(run).empty(); }

void remove_checkpoints(const fs::path& run) noexcept {
  try {
    std::error_code ignored;
    fs::remove_all(folder_of(run), ignored);
  } catch (...) {
    // They take room and do no harm.
    return;
  }
}

std::uint32_t checksum_of(const LabeledPictures& pictures) {
  const std::array<std::uint32_t, 2> both = {crc_of(std::span<const std::uint8_t>(pictures.pictures.pixels)),
                                             crc_of(std::span<const Label>(pictures.labels))};
  return crc_of(std::span<const std::uint32_t>(both));
}

}  // namespace lapel::store
