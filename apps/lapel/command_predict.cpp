#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <system_error>

#include "command.h"
#include "lapel/classifier.h"
#include "lapel/error.h"
#include "lapel/plot.h"
#include "lapel/report.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string run;
  std::vector<std::string> inputs;
  std::vector<std::string> photos;
  std::vector<std::int64_t> index;
  std::string data;
  std::string split = "test";
  std::string precision = "auto";
  std::string plot;
  std::int64_t top_k = 3;
  bool json = false;
};

/// The pictures to predict, one behind the other, with a row each that waits for its probabilities.
struct Questions {
  Pictures pictures;
  std::vector<PredictionRow> rows;
  std::vector<std::optional<Label>> actual;

  void add(std::span<const std::uint8_t> pixels, PredictionRow row, std::optional<Label> label = {}) {
    actual.push_back(label);
    pictures.pixels.insert(pictures.pixels.end(), pixels.begin(), pixels.end());
    ++pictures.count;
    rows.push_back(std::move(row));
  }
};

void check_exists(const std::string& input) {
  if (std::error_code ignored; !std::filesystem::exists(input, ignored)) {
    const bool number = input.find_first_not_of("0123456789") == std::string::npos;
    throw Error(
        ErrorKind::kIo, input, "there is no such picture", {},
        number ? fmt::format("--index {} for that row of the data set", input) : "the path of a PNG or JPEG picture");
  }
}

void check_size(const Classifier& classifier, const DataSet& data, const Pictures& pictures) {
  if (pictures.height != classifier.height() || pictures.width != classifier.width() ||
      pictures.channels != classifier.channels()) {
    throw Error(
        ErrorKind::kData, data.location.string(), "the pictures are not of the size that the model takes",
        {{"pictures", fmt::format("{} x {} x {}", pictures.height, pictures.width, pictures.channels)},
         {"model", fmt::format("{} x {} x {}", classifier.height(), classifier.width(), classifier.channels())}},
        "--data with the data set that the model was trained on");
  }
}

void add_rows(const Classifier& classifier, const Options& options, Questions& questions) {
  const DataSet data = load_split_for(classifier, options.data, options.split);
  const LabeledPictures& part = split_of(data, options.split);
  check_size(classifier, data, part.pictures);
  for (const std::int64_t index : options.index) {
    if (index >= part.pictures.count) {
      throw Error(ErrorKind::kUsage, {}, fmt::format("--index {} is beyond the {} pictures", index, options.split),
                  {{"pictures", fmt::format("{}", part.pictures.count)}},
                  fmt::format("an index from 0 to {}", part.pictures.count - 1));
    }
    const Label label = part.labels[static_cast<std::size_t>(index)];
    questions.add(part.pictures.picture(index),
                  {fmt::format("{}[{}]", options.split, index), data.class_names[label], {}}, label);
  }
}

ExitCode run(const Options& options, Output& output) {
  if (options.inputs.empty() && options.index.empty() && options.photos.empty()) {
    throw Error(ErrorKind::kUsage, {}, "nothing to predict: no picture and no --index", {},
                fmt::format("lapel predict {} picture.png, or lapel predict {} --index 0", options.run, options.run));
  }
  Classifier classifier = Classifier::load(options.run);
  classifier.use_precision(options.precision);
  Questions questions;
  questions.pictures.height = classifier.height();
  questions.pictures.width = classifier.width();
  questions.pictures.channels = classifier.channels();
  for (const auto& input : options.inputs) {
    check_exists(input);
    const Pictures picture = read_picture(input, classifier.height(), classifier.width(), classifier.channels());
    questions.add(picture.pixels, {input, {}, {}});
  }
  for (const auto& photo : options.photos) {
    check_exists(photo);
    const Pictures picture = picture_from_photo(photo, classifier.height(), classifier.width(), classifier.channels());
    questions.add(picture.pixels, {photo, {}, {}});
  }
  if (!options.index.empty()) {
    add_rows(classifier, options, questions);
  }
  const std::vector<float> probabilities = classifier.predict(questions.pictures);
  const std::size_t classes = classifier.class_names().size();
  for (std::size_t i = 0; i < questions.rows.size(); ++i) {
    questions.rows[i].ranked = classifier.ranked(std::span(probabilities).subspan(i * classes, classes),
                                                 static_cast<std::size_t>(options.top_k));
  }
  if (!options.plot.empty()) {
    draw_predictions(classifier, questions.pictures, questions.actual, options.plot);
  }
  output.print(options.json ? to_json(questions.rows) : to_text(questions.rows));
  return kSuccess;
}

}  // namespace

Command predict_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "predict",
          .help = "Names the classes of pictures, with their probabilities.",
          .arguments = {run_argument(&options->run),
                        {.name = "INPUT",
                         .value = {},
                         .help = "PNG or JPEG pictures, of any size",
                         .target = &options->inputs,
                         .greedy = true},
                        {.name = "--from-photo",
                         .value = "PHOTO",
                         .help = "photographs of one dark thing on a light ground, to be turned into what "
                                 "Fashion-MNIST shows: trimmed, small, light on black",
                         .target = &options->photos,
                         .greedy = true},
                        {.name = "--index",
                         .value = "N",
                         .help = "rows of the data set, counted from 0",
                         .target = &options->index,
                         .greedy = true},
                        {.name = "--top",
                         .value = "K",
                         .help = "how many classes to print for a picture, the most probable first (3)",
                         .target = &options->top_k,
                         .min = 1},
                        {.name = "--plot",
                         .value = "FILE",
                         .help = "also draw pictures and probabilities into this .png or .svg file",
                         .target = &options->plot},
                        data_argument(&options->data),
                        split_argument(&options->split),
                        precision_argument(&options->precision),
                        json_argument(&options->json)},
          .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
