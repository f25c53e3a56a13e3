// What each kind of callback does, on made-up figures: against Keras's own (make_callback_numbers.py), and the
// refusals.

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "base/options.h"
#include "lapel/error.h"
#include "support/messages.h"
#include "support/source_dir.h"
#include "train/callbacks/callback_type.h"

namespace lapel::training {
namespace {

namespace fs = std::filesystem;
using lapel::test::message_of;

/// A training that only notes what is done to it. Its one weight is the number of the epoch.
class FakeTraining : public Training {
 public:
  [[nodiscard]] const Progress& progress() const override { return progress_; }
  [[nodiscard]] std::int64_t steps() const override { return steps_; }
  [[nodiscard]] double loss() const override { return progress_.loss; }
  [[nodiscard]] const std::vector<EpochResult>& history() const override { return history_; }
  [[nodiscard]] bool resumed() const override { return false; }
  [[nodiscard]] double learning_rate() const override { return rate_; }
  void set_learning_rate(double rate) override { rate_ = rate; }
  [[nodiscard]] std::vector<float> weights() const override { return {static_cast<float>(history_.size())}; }
  void set_weights(std::span<const float> weights) override { restored_ = static_cast<int>(weights.front()); }
  void save_model(const fs::path& file) const override { saved_.push_back(file.string()); }
  void stop(const std::string& reason) override { reason_ = reason; }

  /// An epoch with this figure for all.
  void epoch(Callback& callback, double figure) {
    history_.push_back({static_cast<std::int64_t>(history_.size()) + 1, figure, figure, figure, figure, rate_, 0});
    progress_.epoch = history_.back().epoch;
    callback.on_epoch(*this);
  }
  /// A step of an epoch that is under way.
  void step(Callback& callback, std::int64_t in_epoch, double loss) {
    ++steps_;
    progress_ = {static_cast<std::int64_t>(history_.size()) + 1, 0, in_epoch, 5, 0, loss, 0, 1, 1};
    callback.on_step(*this);
  }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  [[nodiscard]] int restored() const { return restored_; }
  [[nodiscard]] const std::vector<std::string>& saved() const { return saved_; }

 private:
  Progress progress_;
  std::int64_t steps_ = 0;
  std::vector<EpochResult> history_;
  double rate_ = 0.1;
  std::string reason_;
  int restored_ = 0;
  mutable std::vector<std::string> saved_;
};

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
  }
  return words;
}

/// A line of callback_numbers.txt.
struct Case {
  std::string text;
  TypedSpec spec;
  std::vector<double> figures;
  std::vector<std::string> result;
};

/// `value` as the type that the rule has.
OptionValue value_of(const OptionRule& rule, const std::string& value) {
  if (value == rule.word) {
    return value;
  }
  if (std::holds_alternative<bool>(rule.default_value)) {
    return value == "true";
  }
  if (std::holds_alternative<std::int64_t>(rule.default_value)) {
    return std::int64_t{std::stoll(value)};
  }
  if (std::holds_alternative<double>(rule.default_value)) {
    return std::stod(value);
  }
  return value;
}

std::vector<Case> cases_of(const std::string& type) {
  std::vector<Case> cases;
  std::ifstream file(lapel::testing::source_dir() + "/tests/train/callback_numbers.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream parts(line);
    std::string options;
    std::string figures;
    std::string result;
    std::getline(parts, options, '|');
    std::getline(parts, figures, '|');
    std::getline(parts, result);
    const auto words = words_of(options);
    if (words.front() != type) {
      continue;
    }
    Case one{line, {type, {}, {}}, {}, words_of(result)};
    const auto& rules = find_type(callback_types(), type).rules;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto equals = words[i].find('=');
      const std::string key = words[i].substr(0, equals);
      const auto rule = std::find_if(rules.begin(), rules.end(), [&](const auto& some) { return some.key == key; });
      one.spec.options[key] = value_of(*rule, words[i].substr(equals + 1));
    }
    for (const auto& figure : words_of(figures)) {
      one.figures.push_back(figure == "nan" ? std::numeric_limits<double>::quiet_NaN() : std::stod(figure));
    }
    cases.push_back(one);
  }
  return cases;
}

/// The same callback, gone through a checkpoint.
std::unique_ptr<Callback> resumed(const TypedSpec& spec, Callback& callback) {
  auto other = make_callback(spec, {});
  other->restore(callback.save());
  return other;
}

/// Each case twice: in one piece, and stopped after every epoch.
template <class F>
void for_cases(const std::string& type, const F& body) {
  const auto cases = cases_of(type);
  ASSERT_GT(cases.size(), 10U);
  for (const Case& one : cases) {
    for (const bool stops : {false, true}) {
      SCOPED_TRACE(one.text + (stops ? " (stopped)" : ""));
      FakeTraining training;
      auto callback = make_callback(one.spec, {});
      body(one, training, callback, [&] {
        if (stops) {
          callback = resumed(one.spec, *callback);
        }
      });
    }
  }
}

TEST(Callbacks, EarlyStoppingIsKerass) {
  for_cases("EarlyStopping", [](const Case& one, FakeTraining& training, auto& callback, const auto& between) {
    int stopped = 0;
    for (std::size_t epoch = 0; epoch < one.figures.size() && stopped == 0; ++epoch) {
      training.epoch(*callback, one.figures[epoch]);
      stopped = training.reason().empty() ? 0 : static_cast<int>(epoch) + 1;
      between();
    }
    callback->on_end(training);
    const int last = stopped == 0 ? static_cast<int>(one.figures.size()) : stopped;
    EXPECT_EQ(std::to_string(stopped), one.result[0]);
    EXPECT_EQ(std::to_string(training.restored() == 0 ? last : training.restored()), one.result[1]);
  });
}

TEST(Callbacks, ReduceLrOnPlateauIsKerass) {
  for_cases("ReduceLROnPlateau", [](const Case& one, FakeTraining& training, auto& callback, const auto& between) {
    for (std::size_t epoch = 0; epoch < one.figures.size(); ++epoch) {
      training.epoch(*callback, one.figures[epoch]);
      EXPECT_NEAR(training.learning_rate(), std::stod(one.result[epoch]), 1e-9 * training.learning_rate());
      between();
    }
  });
}

TEST(Callbacks, ModelCheckpointIsKerass) {
  for_cases("ModelCheckpoint", [](const Case& one, FakeTraining& training, auto& callback, const auto& between) {
    for (const double figure : one.figures) {
      for (int step = 0; step < 5; ++step) {
        training.step(*callback, step + 1, figure - 0.001 * step);
        between();
      }
      training.epoch(*callback, figure);
      between();
    }
    EXPECT_EQ(training.saved(), one.result);
  });
}

TEST(Callbacks, EarlyStoppingSaysWhy) {
  FakeTraining training;
  const auto callback = make_callback({"EarlyStopping", {{"patience", std::int64_t{2}}, {"monitor", "loss"}}, {}}, {});
  for (const double figure : {0.5, 0.6, 0.7}) {
    training.epoch(*callback, figure);
  }
  EXPECT_EQ(training.reason(), "EarlyStopping: loss was no better for 2 epochs");
}

TEST(Callbacks, TerminateOnNanStopsAtThatStep) {
  for (const double loss : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    FakeTraining training;
    const auto callback = make_callback({"TerminateOnNaN"}, {});
    training.step(*callback, 1, 0.5);
    EXPECT_EQ(training.reason(), "");
    training.step(*callback, 2, loss);
    EXPECT_EQ(training.reason(), std::string("TerminateOnNaN: epoch 1, step 3 of 5: the loss became ") +
                                     (std::isnan(loss) ? "not a number (NaN)" : "infinite"));
  }
  FakeTraining training;
  training.step(*make_callback({"TerminateOnNaN", {{"raise_error", true}}, {}}, {}), 1, NAN);
  EXPECT_EQ(training.reason(), "");
}

std::string refusal(const std::vector<TypedSpec>& callbacks, bool has_folder = true) {
  return message_of([&] {
    check_callbacks(callbacks, has_folder);
    return 0;
  });
}

TypedSpec checkpoint(const std::string& filepath, OptionValues options = {}) {
  options["filepath"] = filepath;
  return {"ModelCheckpoint", std::move(options), "x.toml:7"};
}

TEST(CallbackSpecs, ThoseThatLookAtValidation) {
  const auto looks = [](const TypedSpec& spec) { return first_that_needs_validation({&spec, 1}) == &spec; };
  EXPECT_TRUE(looks({"EarlyStopping"}));
  EXPECT_TRUE(looks({"ReduceLROnPlateau"}));
  EXPECT_TRUE(looks(checkpoint("a.safetensors", {{"save_best_only", true}})));
  EXPECT_TRUE(looks(checkpoint("{val_loss:.2f}.safetensors")));
  EXPECT_FALSE(looks(checkpoint("a.safetensors"))) << "all are saved, whatever they are";
  EXPECT_FALSE(looks({"EarlyStopping", {{"monitor", "loss"}}, {}}));
}

TEST(CallbackErrors, FilesOutsideTheRun) {
  const std::string own =
      " in the run folder, beside recipe.toml, history.csv, checkpoints, model.safetensors, metrics.json, report.txt, "
      "confusion.csv, plots";
  for (const char* file : {"/tmp/a.safetensors", "../a.safetensors", "b/../../a.safetensors", "a.h5", "", ".",
                           "model.safetensors", "checkpoints/step.safetensors", "plots/"}) {
    EXPECT_EQ(refusal({checkpoint(file)}),
              "x.toml:7, callback ModelCheckpoint: filepath = " + option_text(std::string(file)) +
                  " is not allowed\n  allowed  a name that ends with .safetensors" + own);
  }
  EXPECT_EQ(refusal({{"CSVLogger", {{"filename", "history.csv"}}, {}}}),
            "callback CSVLogger: filename = \"history.csv\" is not allowed\n  allowed  a name" + own);
  EXPECT_EQ(refusal({{"TensorBoard", {{"log_dir", "../logs"}}, {}}}),
            "callback TensorBoard: log_dir = \"../logs\" is not allowed\n  allowed  a name" + own);
  EXPECT_EQ(refusal({checkpoint("a/b/{epoch:03d}.safetensors")}), "no error");
}

TEST(CallbackErrors, WhatDoesNotGoTogether) {
  EXPECT_EQ(
      refusal({checkpoint("{epoch", {})}),
      "x.toml:7, callback ModelCheckpoint: filepath = \"{epoch\" is not allowed\n"
      "  because  missing '}' in format string        known  epoch, batch, loss, accuracy, val_loss, val_accuracy, "
      "learning_rate        try  filepath = \"best/{epoch:02d}-{val_loss:.3f}.safetensors\"");
  EXPECT_EQ(refusal({checkpoint("a.safetensors", {{"save_best_only", true}, {"save_freq", std::int64_t{10}}})}),
            "x.toml:7, callback ModelCheckpoint: within an epoch there is no validation to tell the best\n"
            "  monitor  val_loss        save_freq  10        try  save_freq = \"epoch\", or monitor = \"loss\"");
  EXPECT_EQ(refusal({checkpoint("a.safetensors"), checkpoint("a.safetensors")}),
            "x.toml:7, callback ModelCheckpoint: another callback writes \"a.safetensors\" as well\n"
            "  try  a name of its own");
  EXPECT_EQ(refusal({{"TensorBoard"}}, false),
            "callback TensorBoard: writes into the run folder, and there is none\n  try  TrainSettings::folder");
  EXPECT_EQ(refusal({{"EarlyStoping"}}),
            "unknown callback \"EarlyStoping\"\n  known  EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, CSVLogger, "
            "TerminateOnNaN, TensorBoard        try  EarlyStopping");
  EXPECT_EQ(
      refusal({{"EarlyStopping", {{"baseline", "nothing"}}, {}}}),
      "callback EarlyStopping: baseline = \"nothing\" is not allowed\n  allowed  \"none\" or a number        try  "
      "baseline = \"none\"");
  EXPECT_EQ(refusal({{"TensorBoard", {{"update_freq", std::int64_t{-3}}}, {}}}),
            "callback TensorBoard: update_freq = -3 is not allowed\n  allowed  at least 1        try  update_freq = "
            "\"epoch\"");
}

TEST(CallbackErrors, AStateThatIsNone) {
  EXPECT_EQ(message_of([] {
              make_callback({"EarlyStopping"}, {})->restore({});
              return 0;
            }),
            "the checkpoint has no number 'wait' of a callback");
}

}  // namespace
}  // namespace lapel::training
