#include <fmt/format.h>

#include <memory>

#include "command.h"
#include "lapel/classifier.h"
#include "lapel/report.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string run;
  std::string data;
  std::string split;
  std::string precision = "auto";
  std::string augmentation;
  bool json = false;
};

ExitCode run(const Options& options, Output& output) {
  Classifier classifier = Classifier::load(options.run);
  classifier.use_precision(options.precision);
  if (!options.augmentation.empty()) {
    classifier.use_test_time_augmentation(options.augmentation);
  }
  const ChosenPart part = choose_part(classifier, options.data, options.split, output);
  const Evaluation evaluation = classifier.evaluate(part.pictures, part.split);
  if (options.json) {
    output.print(to_json(evaluation));
    return kSuccess;
  }
  output.print(to_text(evaluation));
  Findings findings = part.data.findings;
  if (const std::string unknown = classifier.views_unknown_to_training(); !unknown.empty()) {
    add_remark(findings, FindingKind::kWarning,
               fmt::format("--test-time-augmentation {} looks at {}, which the training did not know",
                           classifier.test_time_augmentation(), unknown));
  }
  output.print(fmt::format("\nMeasured: {}\n{}", part.words, to_text(findings)));
  return kSuccess;
}

}  // namespace

Command evaluate_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "evaluate",
          .help = "Measures a trained model: accuracy, loss, classification report and confusion matrix.",
          .arguments = {run_argument(&options->run),
                        data_argument(&options->data),
                        split_argument(&options->split),
                        {.name = "--test-time-augmentation",
                         .value = "VIEWS",
                         .help = "average over views of each picture: none, flip or flip+shift; if left out, as the "
                                 "model was trained to be used",
                         .target = &options->augmentation,
                         .choices = {"none", "flip", "flip+shift"}},
                        precision_argument(&options->precision),
                        json_argument(&options->json)},
          .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
