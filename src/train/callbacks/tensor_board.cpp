#include "train/callbacks/tensor_board.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "formats/event_file.h"
#include "train/callbacks/callback_factories.h"

namespace lapel::training {

namespace {

/// TensorBoard takes every file with `tfevents` in its name.
constexpr std::string_view kEventFile = "events.out.tfevents.lapel";

struct TensorBoardOptions {
  std::string log_dir = "logs";
  std::int64_t update_freq = 0;  ///< Steps; 0: after each epoch alone.
};

std::span<const Option<TensorBoardOptions>> tensor_board_options() {
  static const std::array<Option<TensorBoardOptions>, 2> kOptions = {{
      {.key = "log_dir",
       .member = &TensorBoardOptions::log_dir,
       .help = "folder in the run folder, for `tensorboard --logdir`"},
      {.key = "update_freq",
       .member = &TensorBoardOptions::update_freq,
       .help = "steps after which loss and accuracy of the epoch so far are written too; \"epoch\": never",
       .min = 1,
       .word = "epoch"},
  }};
  return kOptions;
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// An event file that grows. It knows how long it is, so that what a stopped training wrote beyond its checkpoint is
/// dropped when it goes on.
class EventFile {
 public:
  explicit EventFile(std::filesystem::path file) : file_(std::move(file)) {}

  void add(std::string_view tag, double value, std::int64_t step) {
    constexpr std::size_t kHeldBack = 1U << 16U;
    waiting_ += formats::scalar_event(tag, value, step, wall_time());
    if (waiting_.size() > kHeldBack) {
      flush();
    }
  }

  void flush() {
    if (waiting_.empty()) {
      return;
    }
    if (length_ == 0) {
      std::error_code ignored;  // Writing will tell.
      std::filesystem::create_directories(file_.parent_path(), ignored);
      waiting_.insert(0, formats::event_file_start(wall_time()));
    }
    formats::extend_file(file_, length_, waiting_);
    length_ += std::exchange(waiting_, {}).size();
  }

  [[nodiscard]] double length() const { return static_cast<double>(length_); }
  void set_length(std::int64_t length) { length_ = static_cast<std::uint64_t>(length); }
  /// Whether it is as long as it was, at least.
  [[nodiscard]] bool is_whole() const {
    std::error_code missing;
    const auto size = std::filesystem::file_size(file_, missing);
    return length_ == 0 || (!missing && size >= length_);
  }

 private:
  std::filesystem::path file_;
  std::string waiting_;
  std::uint64_t length_ = 0;
};

/// Keras's TensorBoard: its tags and folders, scalars alone.
class TensorBoard : public Callback {
 public:
  TensorBoard(const TensorBoardOptions& options, const std::filesystem::path& folder)
      : options_(options), train_(folder / "train" / kEventFile), validation_(folder / "validation" / kEventFile) {}

  /// Epochs that are in the checkpoint are written again where the files are gone.
  void on_begin(Training& training) override {
    if (train_.is_whole() && validation_.is_whole()) {
      return;
    }
    train_.set_length(0);
    validation_.set_length(0);
    for (const auto& result : training.history()) {
      add(result);
    }
    flush();
  }

  void on_step(Training& training) override {
    if (options_.update_freq > 0 && std::isfinite(training.loss()) && training.steps() % options_.update_freq == 0) {
      train_.add("batch_accuracy", training.progress().accuracy, training.steps());
      train_.add("batch_loss", training.progress().loss, training.steps());
    }
  }

  void on_epoch(Training& training) override {
    const EpochResult& result = training.history().back();
    if (result.val_loss) {
      validation_.add("evaluation_accuracy_vs_iterations", *result.val_accuracy, training.steps());
      validation_.add("evaluation_loss_vs_iterations", *result.val_loss, training.steps());
    }
    add(result);
    flush();
  }

  [[nodiscard]] CallbackState save() override {
    flush();
    return {{{"train", train_.length()}, {"validation", validation_.length()}}, {}};
  }

  void restore(const CallbackState& state) override {
    train_.set_length(count_of(state, "train"));
    validation_.set_length(count_of(state, "validation"));
  }

 private:
  /// Epochs count from 0, as Keras's do.
  void add(const EpochResult& result) {
    const std::int64_t step = result.epoch - 1;
    train_.add("epoch_accuracy", result.accuracy, step);
    train_.add("epoch_loss", result.loss, step);
    train_.add("epoch_learning_rate", result.learning_rate, step);
    if (result.val_loss) {
      validation_.add("epoch_accuracy", *result.val_accuracy, step);
      validation_.add("epoch_loss", *result.val_loss, step);
    }
  }

  void flush() {
    train_.flush();
    validation_.flush();
  }

  TensorBoardOptions options_;
  EventFile train_;
  EventFile validation_;
};

std::filesystem::path log_folder(const TensorBoardOptions& options, const std::filesystem::path& folder) {
  return file_in_run("log_dir", options.log_dir, "", folder);
}

}  // namespace

CallbackType tensor_board_type() {
  return {{"TensorBoard", "writes curves and plots for TensorBoard", rules_of(tensor_board_options())},
          [](const OptionValues& options, const CallbackContext& context) -> std::unique_ptr<Callback> {
            const auto given = read_options(tensor_board_options(), options);
            return std::make_unique<TensorBoard>(given, log_folder(given, context.folder));
          }};
}

void log_plots(std::span<const TypedSpec> callbacks, const std::filesystem::path& run,
               std::span<const std::filesystem::path> plots, std::int64_t step) {
  std::string events = formats::event_file_start(wall_time());
  for (const auto& plot : plots) {
    if (plot.extension() == ".png") {
      events += formats::image_event(plot.stem().string(), formats::read_file(plot), step, wall_time());
    }
  }
  for (const auto& spec : callbacks) {
    if (spec.type == "TensorBoard") {
      const auto folder = log_folder(read_options(tensor_board_options(), spec.options), run) / "plots";
      std::error_code ignored;  // Writing will tell.
      std::filesystem::create_directories(folder, ignored);
      formats::write_text_file(folder / kEventFile, events);
    }
  }
}

}  // namespace lapel::training
