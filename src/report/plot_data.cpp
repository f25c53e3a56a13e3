#include "report/plot_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/json.h"
#include "base/limits.h"
#include "formats/picture.h"
#include "lapel/error.h"
#include "lapel/report.h"

namespace lapel::report {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kSamples = 40;
constexpr std::size_t kMostOfAClass = 10;
constexpr std::size_t kPredictions = 12;
/// Sums of so many stay within 64 bits.
constexpr std::int64_t kMostPictures = std::int64_t{1} << 30U;
/// Of the longer side of a picture that is kept.
constexpr std::int64_t kLongestShown = 112;

std::vector<std::int64_t> counts_of(const LabeledPictures& part, std::size_t classes) {
  std::vector<std::int64_t> counts(classes, 0);
  for (const Label label : part.labels) {
    ++counts.at(label);
  }
  return counts;
}

ShownPicture shown(const LabeledPictures& part, std::int64_t index) {
  return {index, part.labels[static_cast<std::size_t>(index)], shown_pixels(part.pictures, index), {}};
}

/// The first pictures of each class, class by class, as many of each as fit.
std::vector<ShownPicture> samples_of(const LabeledPictures& part, std::size_t classes) {
  const std::size_t each = std::clamp<std::size_t>(kSamples / classes, 1, kMostOfAClass);
  std::vector<ShownPicture> result;
  for (std::size_t label = 0; label < std::min(classes, kSamples); ++label) {
    std::size_t found = 0;
    for (std::int64_t i = 0; i < part.pictures.count && found < each; ++i) {
      if (part.labels[static_cast<std::size_t>(i)] == label) {
        result.push_back(shown(part, i));
        ++found;
      }
    }
  }
  return result;
}

Json json_of(const std::vector<ShownPicture>& pictures) {
  Json list = Json::array();
  for (const auto& picture : pictures) {
    list.push_back({{"index", picture.index},
                    {"label", picture.label},
                    {"pixels", picture.pixels},
                    {"probabilities", picture.probabilities}});
  }
  return list;
}

/// `answered`: each has a probability of every class.
std::vector<ShownPicture> pictures_from(const JsonValue& json, const PlotData& data, bool answered) {
  const auto pixels = static_cast<std::size_t>(data.height * data.width * data.channels);
  const auto classes = static_cast<std::int64_t>(data.class_names.size());
  std::vector<ShownPicture> result;
  for (const JsonValue& item : json.items()) {
    result.push_back({item.at("index").integer(0), static_cast<int>(item.at("label").integer(-1, classes - 1)),
                      item.at("pixels").integers<std::uint8_t>(), item.at("probabilities").floats()});
    if (result.back().pixels.size() != pixels) {
      item.fail("is a picture of another size");
    }
    if (result.back().probabilities.size() != (answered ? data.class_names.size() : 0)) {
      item.fail("has another number of probabilities than there are classes");
    }
  }
  return result;
}

/// One number a class; none where there are no pictures.
std::vector<std::int64_t> counts_from(const JsonValue& json, std::size_t classes) {
  auto counts = json.integers<std::int64_t>(kMostPictures);
  if (counts.size() != classes) {
    json.fail("has another number of values than there are classes");
  }
  return counts;
}

PlotData read_plot_data(const JsonValue& json) {
  PlotData data;
  data.name = json.at("name").text();
  data.data_name = json.at("data_name").text();
  data.class_names = json.at("class_names").texts();
  data.height = json.at("height").integer(1, kLongestShown);
  data.width = json.at("width").integer(1, kLongestShown);
  data.channels = json.at("channels").integer(1, 3);
  const std::size_t classes = data.class_names.size();
  if (classes == 0 || classes > kMostLabels || data.channels == 2) {
    json.fail("is of no classes, or of pictures that are neither grey nor RGB");
  }
  data.train_counts = counts_from(json.at("train_counts"), classes);
  data.test_counts = counts_from(json.at("test_counts"), classes);
  const auto counts = json.at("confusion").integers<std::int64_t>(kMostPictures);
  if (!counts.empty() && counts.size() != classes * classes) {
    json.at("confusion").fail("is a matrix of another size");
  }
  if (!counts.empty()) {
    data.confusion = ConfusionMatrix::of_counts(static_cast<std::int64_t>(classes), counts);
  }
  data.train_samples = pictures_from(json.at("train_samples"), data, false);
  data.test_samples = pictures_from(json.at("test_samples"), data, false);
  data.predictions = pictures_from(json.at("predictions"), data, true);
  data.mistakes = pictures_from(json.at("mistakes"), data, true);
  return data;
}

}  // namespace

std::pair<std::int64_t, std::int64_t> shown_size(const Pictures& pictures) {
  const std::int64_t longer = std::max(pictures.height, pictures.width);
  const auto fitted = [&](std::int64_t size) {
    return longer <= kLongestShown ? size : std::max<std::int64_t>(1, (size * kLongestShown + longer / 2) / longer);
  };
  return {fitted(pictures.height), fitted(pictures.width)};
}

std::vector<std::uint8_t> shown_pixels(const Pictures& pictures, std::int64_t index) {
  const auto pixels = pictures.picture(index);
  const auto [height, width] = shown_size(pictures);
  formats::Picture picture{pictures.height, pictures.width, pictures.channels, {pixels.begin(), pixels.end()}};
  return height == pictures.height && width == pictures.width ? std::move(picture.pixels)
                                                              : formats::resized(picture, height, width).pixels;
}

PlotData plot_data(const std::string& name, const DataSet& data, const Evaluation* test,
                   std::span<const float> test_probabilities) {
  const std::size_t classes = data.class_names.size();
  const Pictures& pictures = data.train.pictures;
  PlotData result;
  result.name = name;
  result.data_name = data.name;
  result.class_names = data.class_names;
  std::tie(result.height, result.width) = shown_size(pictures);
  result.channels = pictures.channels;
  result.train_counts = counts_of(data.train, classes);
  result.test_counts = counts_of(data.test, classes);
  result.train_samples = samples_of(data.train, classes);
  result.test_samples = samples_of(data.test, classes);
  if (test == nullptr || test_probabilities.empty()) {
    return result;
  }
  if (classes <= kMostClassesShown) {
    result.confusion = test->confusion;
  }
  const auto row = [&](std::int64_t i) {
    return test_probabilities.subspan(static_cast<std::size_t>(i) * classes, classes);
  };
  const auto answer = [&](std::int64_t i) {
    ShownPicture picture = shown(data.test, i);
    picture.probabilities.assign(row(i).begin(), row(i).end());
    return picture;
  };
  std::vector<std::pair<float, std::int64_t>> wrong;
  for (std::int64_t i = 0; i < data.test.pictures.count; ++i) {
    const auto best = std::max_element(row(i).begin(), row(i).end());
    if (best - row(i).begin() != data.test.labels[static_cast<std::size_t>(i)]) {
      wrong.emplace_back(-*best, i);
    }
    if (result.predictions.size() < kPredictions) {
      result.predictions.push_back(answer(i));
    }
  }
  std::sort(wrong.begin(), wrong.end());
  for (std::size_t i = 0; i < std::min(kPredictions, wrong.size()); ++i) {
    result.mistakes.push_back(answer(wrong[i].second));
  }
  return result;
}

std::string to_json(const PlotData& data) {
  const Json json = {{"name", data.name},
                     {"data_name", data.data_name},
                     {"class_names", data.class_names},
                     {"height", data.height},
                     {"width", data.width},
                     {"channels", data.channels},
                     {"train_counts", data.train_counts},
                     {"test_counts", data.test_counts},
                     {"confusion", data.confusion.counts()},
                     {"train_samples", json_of(data.train_samples)},
                     {"test_samples", json_of(data.test_samples)},
                     {"predictions", json_of(data.predictions)},
                     {"mistakes", json_of(data.mistakes)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

PlotData plot_data_from_json(std::string_view text, const std::string& place) {
  const JsonRefusal refuse = [&](const JsonProblem& problem) {
    throw Error(ErrorKind::kData, place, fmt::format("is not what a training wrote there: it {}", problem.words), {},
                "the run trained again");
  };
  const nlohmann::json json = parse_json(text, refuse);
  return read_plot_data(JsonValue(json, refuse));
}

}  // namespace lapel::report
