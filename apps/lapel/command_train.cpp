#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "command.h"
#include "lapel/error.h"
#include "lapel/plot.h"
#include "lapel/report.h"
#include "lapel/summary.h"
#include "lapel/train.h"
#include "progress_printer.h"
#include "recipe_help.h"
#include "shared_arguments.h"
#include "stop_on_signal.h"

namespace lapel::app {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::string recipe;
  std::vector<std::string> set;
  std::string data;
  std::string test_data;
  std::string out;
  std::string resume;
  std::string continued;
  std::string init;
  std::string loss_csv;
  std::string plot_format = "png";
};

std::string grouped(std::int64_t number) {
  const std::string digits = fmt::format("{}", number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) {
      text += ',';
    }
    text += digits[i];
  }
  return text;
}

/// With --continue: begins with the weights that a run ended with, for as many epochs as are asked for: `+10`, or so
/// many in all.
Options continued(Options options) {
  constexpr std::string_view kEpochs = "train.epochs=";
  const RunSummary before = read_run(options.continued);
  bool asked = false;
  for (std::string& assignment : options.set) {
    if (!assignment.starts_with(kEpochs)) {
      continue;
    }
    const std::string text = assignment.substr(kEpochs.size());
    const bool more = text.starts_with('+');
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + (more ? 1 : 0), end, number);
    const std::int64_t left = more ? number : number - before.record.epochs;
    if (parsed.ec != std::errc() || parsed.ptr != end || left < 1) {
      throw Error(ErrorKind::kUsage, fmt::format("--set {}", assignment), "leaves no epoch to train",
                  {{"trained", fmt::format("{} epochs", before.record.epochs)}}, "--set train.epochs=+10");
    }
    assignment = fmt::format("{}{}", kEpochs, left);
    asked = true;
  }
  if (!asked) {
    throw Error(ErrorKind::kUsage, "--continue", "it is not said how many epochs more", {}, "--set train.epochs=+10");
  }
  options.recipe = (fs::path(options.continued) / "recipe.toml").string();
  options.init = (fs::path(options.continued) / "model.safetensors").string();
  return options;
}

/// With --resume the recipe of that run, unless one is named, which then must be the same.
Recipe recipe_of(const Options& options) {
  const std::string name = !options.recipe.empty()   ? options.recipe
                           : !options.resume.empty() ? (fs::path(options.resume) / "recipe.toml").string()
                                                     : "default";
  Recipe recipe = recipe_with(name, options.set, options.resume.empty() ? options.data : std::string());
  if (!options.test_data.empty()) {
    recipe.data.test_source = std::filesystem::absolute(options.test_data).lexically_normal().string();
  }
  return recipe;
}

/// The data of the recipe; those of --data, where a run goes on whose data are elsewhere by now.
DataSet data_of(const Options& options, const Recipe& recipe, const std::stop_token& stop, Output& output) {
  DataSpec spec = recipe.data;
  if (!options.data.empty()) {
    spec.source = options.data;
  }
  return load_with_progress(spec, DataPart::kAll, stop, output);
}

void check_resume(const Options& options) {
  for (const auto& [name, value] :
       {std::pair{"--out", options.out}, {"--init", options.init}, {"--continue", options.continued}}) {
    if (!options.resume.empty() && !value.empty()) {
      throw Error(ErrorKind::kUsage, {}, fmt::format("{} does not go together with --resume", name), {},
                  fmt::format("lapel train --resume {}", options.resume));
    }
  }
  std::error_code ignored;
  const fs::path recipe = fs::path(options.resume) / "recipe.toml";
  if (!options.resume.empty() && !fs::exists(recipe, ignored)) {
    throw Error(
        ErrorKind::kUsage, options.resume,
        fs::exists(options.resume, ignored) ? "is no run folder: it has no recipe.toml" : "there is no such run folder",
        {}, "a folder that `lapel train` made");
  }
}

std::string plan_text(const Recipe& recipe, const DataSet& data, const fs::path& folder) {
  const Pictures& pictures = data.train.pictures;
  const auto [trained, validated] = division_counts(data, recipe);
  const Summary summary = summarize(recipe, data);
  std::string text = fmt::format("{}: {} parameters; {}: {} training and {} test pictures of {} x {} x {}", recipe.name,
                                 grouped(summary.trainable + summary.non_trainable), data.name, grouped(pictures.count),
                                 grouped(data.test.pictures.count), pictures.height, pictures.width, pictures.channels);
  if (validated > 0 || trained < pictures.count) {
    text += fmt::format("; trains on {}", grouped(trained));
    text += validated > 0 ? fmt::format(", validates with {}", grouped(validated)) : std::string();
  }
  const std::string length = recipe.train.time_budget.empty()
                                 ? fmt::format("{} epoch{}", recipe.train.epochs, recipe.train.epochs == 1 ? "" : "s")
                                 : fmt::format("As much as fits into {},", recipe.train.time_budget);
  return text +
         fmt::format("\n{} in batches of {}; the results go to {}\n", length, recipe.train.batch_size, folder.string());
}

std::string score_text(std::string_view name, const std::optional<Score>& score, std::string_view views) {
  return score ? fmt::format("  {:<10}  accuracy {:.4f}  loss {:.4f}  ({} pictures{})\n", name, score->accuracy,
                             score->loss, grouped(score->samples), views)
               : std::string();
}

std::string result_text(const TrainResult& result, const fs::path& folder) {
  const RunRecord& record = result.record;
  const auto& unseen = result.test ? result.test : result.validation;
  const std::string run = folder.string();
  const std::string& views = record.test_time_augmentation;
  const std::string mean = views == "none" ? std::string() : fmt::format(", mean over views: {}", views);
  return fmt::format("\nAfter {} epoch{} and {:.1f} s of training:\n", record.epochs, record.epochs == 1 ? "" : "s",
                     record.seconds) +
         score_text("train", record.train, mean.empty() ? "" : ", as they are") +
         score_text("validation", record.validation, mean) + score_text("test", record.test, mean) +
         (unseen ? accuracy_warning(*unseen) : std::string()) +
         fmt::format(
             "\nIn {}: report.txt, plots, model.safetensors, history.csv, metrics.json, recipe.toml\n"
             "Next: lapel evaluate {}{}\n"
             "      lapel predict {} picture.png\n",
             run, run, record.test ? "" : " --split train", run);
}

std::optional<PlotFormat> plots_of(const std::string& format) {
  return format == "none" ? std::nullopt : std::optional(format == "svg" ? PlotFormat::kSvg : PlotFormat::kPng);
}

ExitCode run(const Options& given, std::chrono::steady_clock::time_point started, Output& output) {
  // First of all, since it has to come before the library's threads.
  const StopOnSignal interrupt;
  check_resume(given);
  const Options options = given.continued.empty() ? given : continued(given);
  const Recipe recipe = recipe_of(options);
  const DataSet data = data_of(options, recipe, interrupt.token(), output);
  const bool made = options.resume.empty() && options.out.empty();
  std::error_code ignored;
  const bool first = made && !fs::exists("runs", ignored);
  const fs::path folder = !options.resume.empty() ? fs::path(options.resume)
                          : made                  ? new_run_folder("runs", recipe.name)
                                                  : fs::path(options.out);
  ProgressPrinter progress(output);
  const TrainResult result = [&] {
    try {
      output.print(plan_text(recipe, data, folder) + to_text(data.findings));
      return train(recipe, data,
                   {.folder = folder,
                    .resume = !options.resume.empty(),
                    .started = started,
                    .init = options.init,
                    .loss_csv = options.loss_csv,
                    .plots = plots_of(options.plot_format),
                    .callbacks = {&progress},
                    .on_finding = [&](const Finding& finding) { output.print(to_text(finding)); },
                    .stop = interrupt.token()});
    } catch (...) {
      progress.close();
      if (made && fs::is_empty(folder, ignored) && fs::remove(folder, ignored) && first) {
        fs::remove("runs", ignored);
      }
      throw;
    }
  }();
  progress.close();
  const bool interrupted = result.record.status == "interrupted";
  if (interrupted) {
    const Progress& last = progress.last();
    const std::int64_t epoch = last.step == last.steps ? last.epoch + 1 : last.epoch;
    output.print(
        fmt::format("\nInterrupted in {} of {}, after {} steps: what was learned so far is kept.\n"
                    "To go on: lapel train --resume {}\n",
                    epoch_in_words(last, epoch), last.epochs, grouped(result.record.steps), folder.string()));
  }
  if (!result.record.stopped_by.empty()) {
    output.print(fmt::format("\n{}\n", result.record.stopped_by));
  }
  output.print(result_text(result, folder));
  if (!result.plot_problem.empty()) {
    output.print(
        fmt::format("\nThere are no plots: {}\nThe rest of the run is whole; lapel report {} draws them later.\n",
                    result.plot_problem, folder.string()));
  }
  return interrupted ? kInterruptedByUser : kSuccess;
}

}  // namespace

Command train_command(std::chrono::steady_clock::time_point started) {
  const auto options = std::make_shared<Options>();
  return {.name = "train",
          .help = "Trains the model of a recipe, measures it and makes a run folder.",
          .arguments = {recipe_argument(&options->recipe, "; if left out: default"),
                        set_argument(&options->set),
                        other_data_argument(&options->data),
                        {.name = "--test-data",
                         .value = "DATA",
                         .help = "test pictures from another place than the training pictures",
                         .target = &options->test_data},
                        {.name = "--out",
                         .value = "DIR",
                         .help = "run folder to make; it must not exist (runs/NAME, NAME-2, NAME-3, ...)",
                         .target = &options->out},
                        {.name = "--resume",
                         .value = "RUN",
                         .help = "go on with a run that was stopped or killed, in its folder",
                         .target = &options->resume},
                        {.name = "--continue",
                         .value = "RUN",
                         .help = "train the model of a run that is over for more epochs (--set train.epochs=+10), into "
                                 "another folder; the optimizer begins anew",
                         .target = &options->continued},
                        {.name = "--init",
                         .value = "FILE",
                         .help = "safetensors file with the weights to begin with, under Keras's names",
                         .target = &options->init},
                        {.name = "--loss-csv",
                         .value = "FILE",
                         .help = "CSV file to write the loss of every step to",
                         .target = &options->loss_csv},
                        {.name = "--plot-format",
                         .value = "FORMAT",
                         .help = "of the plots: png (what is taken if left out), svg, or none",
                         .target = &options->plot_format,
                         .choices = {"png", "svg", "none"}}},
          .run = [options, started](Output& output) { return run(*options, started, output); },
          .notes = recipe_help};
}

}  // namespace lapel::app
