#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "command.h"
#include "lapel/classifier.h"
#include "lapel/error.h"
#include "lapel/picture_stream.h"
#include "lapel/plot.h"
#include "lapel/report.h"
#include "prediction_writer.h"
#include "shared_arguments.h"

namespace lapel::app {

namespace {

struct Options {
  std::string run;
  std::vector<std::string> inputs;
  std::vector<std::string> photos;
  std::vector<std::int64_t> index;
  std::string data;
  std::string split;
  std::string precision = "auto";
  std::string plot;
  std::string csv;
  std::string jsonl;
  std::string copy_to;
  std::string min_confidence;
  std::int64_t top_k = 3;
  bool json = false;
};

/// What is kept for a drawing of all answers.
struct Shown {
  Pictures pictures;
  std::vector<std::optional<Label>> actual;

  void add(std::span<const std::uint8_t> pixels, std::optional<Label> label) {
    pictures.pixels.insert(pictures.pixels.end(), pixels.begin(), pixels.end());
    ++pictures.count;
    actual.push_back(label);
  }
};

void check_exists(const std::string& input) {
  std::error_code ignored;  // What else the system says of it is told by whoever reads it.
  if (std::filesystem::status(input, ignored).type() == std::filesystem::file_type::not_found) {
    const bool number = input.find_first_not_of("0123456789") == std::string::npos;
    throw Error(ErrorKind::kIo, input, "there is no such picture", {},
                number ? fmt::format("--index {} for that row of the data set", input)
                       : "the path of a picture, a folder, an archive, or a CSV file");
  }
}

void check_photo(const std::string& photo) {
  std::error_code ignored;
  const bool folder = std::filesystem::is_directory(photo, ignored);
  if (folder || !std::filesystem::exists(photo, ignored)) {
    throw Error(ErrorKind::kIo, photo, folder ? "is a folder, not a photograph" : "there is no such photograph", {},
                folder ? fmt::format("--from-photo {}/*.jpg", photo) : "--from-photo with the path of a picture file");
  }
}

double confidence_of(const std::string& text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() &&
      (result.ec != std::errc() || result.ptr != text.data() + text.size() || !(value >= 0 && value <= 1))) {
    throw Error(ErrorKind::kUsage, {}, fmt::format("--min-confidence {} is not allowed", text),
                {{"allowed", "a number from 0 to 1"}}, "--min-confidence 0.8");
  }
  return value;
}

/// The next line of standard input; false at its end. No path is longer than what this takes of one.
bool read_line(std::string& line) {
  constexpr std::size_t kMost = 1U << 16U;
  line.clear();
  int c = std::cin.get();
  for (; c != std::char_traits<char>::eof() && c != '\n'; c = std::cin.get()) {
    if (line.size() == kMost) {
      throw Error(ErrorKind::kUsage, "-", fmt::format("a line of standard input has more than {} bytes", kMost), {},
                  "the path of a picture on each line");
    }
    line += static_cast<char>(c);
  }
  return !line.empty() || c == '\n';
}

/// The inputs; for `-` the lines of standard input.
std::vector<std::filesystem::path> inputs_of(const Options& options) {
  std::vector<std::filesystem::path> inputs;
  for (const auto& input : options.inputs) {
    if (input != "-") {
      check_exists(input);
      inputs.emplace_back(input);
      continue;
    }
    for (std::string line; read_line(line);) {
      if (!line.empty()) {
        inputs.emplace_back(line);
      }
    }
  }
  return inputs;
}

/// Asks the model, and gives the answers on.
class Questions {
 public:
  Questions(const Options& options, const Classifier& classifier, PredictionWriter& writer)
      : options_(options), classifier_(classifier), writer_(writer) {
    const PictureFormat format = classifier.picture_format();
    shown_.pictures = {0, format.height, format.width, format.channels, {}};
  }

  void ask(const PictureBatch& batch, std::span<const std::optional<Label>> actual = {}) {
    const std::size_t classes = classifier_.class_names().size();
    const auto probabilities = classifier_.predict(batch.pictures);
    std::size_t unread = 0;
    const auto tell_unread = [&](std::size_t before) {
      for (; unread < batch.unread.size() && batch.unread[unread].before <= before; ++unread) {
        writer_.add_unread(batch.unread[unread]);
      }
    };
    for (std::size_t i = 0; i < batch.names.size(); ++i) {
      tell_unread(i);
      const std::optional<Label> label = actual.empty() ? std::nullopt : actual[i];
      PredictionRow row{batch.names[i], label ? classifier_.class_names().at(*label) : std::string(),
                        classifier_.ranked(std::span(probabilities).subspan(i * classes, classes),
                                           static_cast<std::size_t>(options_.top_k))};
      writer_.add(std::move(row), batch.files.empty() ? std::filesystem::path() : batch.files[i]);
      if (!options_.plot.empty()) {
        shown_.add(batch.pictures.picture(static_cast<std::int64_t>(i)), label);
      }
    }
    tell_unread(batch.names.size());
  }

  void draw() const {
    if (!options_.plot.empty()) {
      draw_predictions(classifier_, shown_.pictures, shown_.actual, options_.plot);
    }
  }

 private:
  const Options& options_;
  const Classifier& classifier_;
  PredictionWriter& writer_;
  Shown shown_;
};

void refuse_index(std::int64_t index, const std::string& split, std::int64_t count) {
  throw Error(ErrorKind::kUsage, {}, fmt::format("--index {} is beyond the {} pictures", index, split),
              {{"pictures", fmt::format("{}", count)}}, fmt::format("an index from 0 to {}", count - 1));
}

/// Rows of a CSV file that has no labels.
void ask_rows_of_file(const Options& options, const Classifier& classifier, Questions& questions) {
  PictureStream stream({options.data}, classifier.picture_format());
  const PictureBatch all = stream.next(std::numeric_limits<std::int32_t>::max());
  PictureBatch chosen;
  chosen.pictures = {0, all.pictures.height, all.pictures.width, all.pictures.channels, {}};
  for (const std::int64_t index : options.index) {
    if (index >= all.pictures.count) {
      refuse_index(index, "file's", all.pictures.count);
    }
    const auto pixels = all.pictures.picture(index);
    chosen.pictures.pixels.insert(chosen.pictures.pixels.end(), pixels.begin(), pixels.end());
    chosen.names.push_back(all.names[static_cast<std::size_t>(index)]);
    ++chosen.pictures.count;
  }
  questions.ask(chosen);
}

void ask_rows(const Options& options, const Classifier& classifier, Questions& questions, Output& output) {
  const ChosenPart part = choose_part(classifier, options.data, options.split, output);
  const Pictures& pictures = part.pictures.pictures;
  const PictureFormat format = classifier.picture_format();
  if (pictures.height != format.height || pictures.width != format.width || pictures.channels != format.channels) {
    throw Error(ErrorKind::kData, part.data.location.string(), "the pictures are not of the size that the model takes",
                {{"pictures", fmt::format("{} x {} x {}", pictures.height, pictures.width, pictures.channels)},
                 {"model", fmt::format("{} x {} x {}", format.height, format.width, format.channels)}},
                "--data with the data set that the model was trained on");
  }
  PictureBatch batch;
  batch.pictures = {0, pictures.height, pictures.width, pictures.channels, {}};
  std::vector<std::optional<Label>> actual;
  for (const std::int64_t index : options.index) {
    if (index >= pictures.count) {
      refuse_index(index, part.split, pictures.count);
    }
    const auto pixels = pictures.picture(index);
    batch.pictures.pixels.insert(batch.pictures.pixels.end(), pixels.begin(), pixels.end());
    batch.names.push_back(fmt::format("{}[{}]", part.split, index));
    actual.emplace_back(part.pictures.labels[static_cast<std::size_t>(index)]);
    ++batch.pictures.count;
  }
  questions.ask(batch, actual);
}

/// Whether --data is a CSV file of pictures without labels, which is no data set.
bool is_unlabelled(const Options& options) {
  try {
    return !options.data.empty() && options.data.find(".csv") != std::string::npos && csv_without_labels(options.data);
  } catch (const Error&) {
    return false;  // What is wrong with it, the reader of data sets says.
  }
}

ExitCode run(const Options& options, Output& output) {
  if (options.inputs.empty() && options.index.empty() && options.photos.empty()) {
    std::error_code ignored;
    const bool is_run = std::filesystem::is_directory(options.run, ignored) || options.run.ends_with(".safetensors");
    const std::string name = is_run ? options.run : "RUN";  // A picture alone: its run is missing.
    throw Error(ErrorKind::kUsage, {}, "nothing to predict: no picture and no --index", {},
                fmt::format("lapel predict {} picture.png, or lapel predict {} --index 0", name, name));
  }
  const double min_confidence = confidence_of(options.min_confidence);
  const auto inputs = inputs_of(options);
  for (const auto& photo : options.photos) {
    check_photo(photo);
  }
  Classifier classifier = Classifier::load(options.run);
  classifier.use_precision(options.precision);
  PredictionWriter writer({options.csv, options.jsonl, options.copy_to, min_confidence, options.json}, output);
  Questions questions(options, classifier, writer);
  PictureStream stream(inputs, classifier.picture_format());
  std::int64_t done = 0;
  const bool to_file = !options.csv.empty() || !options.jsonl.empty();
  while (true) {
    const PictureBatch batch = stream.next();
    if (batch.pictures.count == 0 && batch.unread.empty()) {
      break;
    }
    questions.ask(batch);
    done += batch.pictures.count + static_cast<std::int64_t>(batch.unread.size());
    if (to_file && output.is_terminal()) {
      output.redraw(stream.total() > 0 ? fmt::format("{} of {} pictures", done, stream.total())
                                       : fmt::format("{} pictures", done));
    }
  }
  if (to_file && output.is_terminal()) {
    output.redraw({});
  }
  for (const auto& photo : options.photos) {
    const Pictures picture = picture_from_photo(photo, classifier.height(), classifier.width(), classifier.channels());
    questions.ask({picture, {photo}, {photo}, {}});
  }
  if (!options.index.empty()) {
    is_unlabelled(options) ? ask_rows_of_file(options, classifier, questions)
                           : ask_rows(options, classifier, questions, output);
  }
  questions.draw();
  return writer.finish(stream.findings()) ? kSuccess : kFailure;
}

}  // namespace

Command predict_command() {
  const auto options = std::make_shared<Options>();
  return {
      .name = "predict",
      .help = "Names the classes of pictures, with their probabilities.",
      .arguments =
          {run_argument(&options->run),
           {.name = "INPUT",
            .value = {},
            .help = "pictures (PNG, JPEG, WebP, GIF, BMP, TIFF) of any size, folders and archives of them, CSV files; "
                    "-: their names, a line each, from standard input",
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
           {.name = "--csv",
            .value = "FILE",
            .help = "write input,class,probability,problem into this file, a line a picture; -: to the screen",
            .target = &options->csv},
           {.name = "--jsonl",
            .value = "FILE",
            .help = "write a JSON document a line for each picture into this file",
            .target = &options->jsonl},
           {.name = "--min-confidence",
            .value = "P",
            .help = "call the class of a picture unsure where its probability is below P (0 to 1)",
            .target = &options->min_confidence},
           {.name = "--copy-to",
            .value = "DIR",
            .help = "copy every picture into DIR/CLASS",
            .target = &options->copy_to},
           data_argument(&options->data),
           split_argument(&options->split),
           precision_argument(&options->precision),
           json_argument(&options->json)},
      .run = [options](Output& output) { return run(*options, output); }};
}

}  // namespace lapel::app
