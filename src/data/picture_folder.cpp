#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/rng.h"
#include "base/threads.h"
#include "data/assemble.h"
#include "data/sources.h"
#include "formats/picture.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

namespace fs = std::filesystem;

/// A file with its label, in the order in which it will be a sample.
struct Sample {
  fs::path file;
  Label label = 0;
};

bool is_picture(const fs::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::array<std::string_view, 3> kEndings = {".png", ".jpg", ".jpeg"};
  return !file.filename().string().starts_with('.') &&
         std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

/// The number that a text of digits is.
std::optional<std::uint64_t> number_of(const std::string& text) {
  std::uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = !text.empty() && result.ec == std::errc() && result.ptr == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

/// Names of the sub-folders, but for hidden ones: by number where all are numbers, else by their bytes.
std::vector<std::string> sub_folders(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && !name.starts_with('.')) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  if (std::all_of(names.begin(), names.end(), [](const std::string& name) { return number_of(name).has_value(); })) {
    std::stable_sort(names.begin(), names.end(),
                     [](const std::string& a, const std::string& b) { return number_of(a) < number_of(b); });
  }
  return names;
}

std::vector<fs::path> pictures_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory() && is_picture(entry.path())) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// The label that a sub-folder stands for: the place of its name among the classes, or the number that it is.
std::optional<Label> label_of(const std::string& name, const std::vector<std::string>& classes, bool numbered) {
  const auto found = std::find(classes.begin(), classes.end(), name);
  if (found != classes.end()) {
    return static_cast<Label>(found - classes.begin());
  }
  const auto number = number_of(name);
  return numbered && number && *number < classes.size() ? std::optional(static_cast<Label>(*number)) : std::nullopt;
}

/// Where the files' names are numbers, each once, their order; else a random one, so that the last N are a fair sample.
void put_in_order(std::vector<Sample>& samples, std::int64_t seed) {
  std::set<std::uint64_t> numbers;
  for (const Sample& sample : samples) {
    if (const auto number = number_of(sample.file.stem().string())) {
      numbers.insert(*number);
    }
  }
  if (numbers.size() == samples.size()) {
    std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
      return number_of(a.file.stem().string()) < number_of(b.file.stem().string());
    });
    return;
  }
  const RandomStream random{static_cast<std::uint64_t>(seed), RandomPurpose::kSplit, 1, 0, 0};
  for (std::size_t i = samples.size(); i > 1; --i) {
    std::swap(samples[i - 1], samples[random.below(i, static_cast<std::uint32_t>(i))]);
  }
}

std::vector<Sample> list_samples(const fs::path& part, const std::vector<std::string>& classes, bool numbered,
                                 std::int64_t seed) {
  std::vector<Sample> samples;
  for (const std::string& name : sub_folders(part)) {
    const auto label = label_of(name, classes, numbered);
    if (!label) {
      throw Error(ErrorKind::kData, (part / name).string(), "is not a class of this data set",
                  {{"classes", fmt::format("{}, the first \"{}\"", classes.size(), classes.front())}},
                  fmt::format("the classes of the training pictures, or of {}", kNamesFile));
    }
    const auto files = pictures_in(part / name);
    if (files.empty()) {
      throw Error(ErrorKind::kData, (part / name).string(), "holds no picture", {{"looked for", ".png, .jpg, .jpeg"}},
                  "pictures of this class, or no folder for it");
    }
    for (const auto& file : files) {
      samples.push_back({file, *label});
    }
  }
  put_in_order(samples, seed);
  return samples;
}

bool is_grey(const formats::Picture& picture) { return picture.channels <= 2; }

std::vector<formats::Picture> read_all(const std::vector<Sample>& samples, const DataSpec& spec) {
  std::vector<formats::Picture> pictures(samples.size());
  const std::int64_t height = spec.image_size[0];
  const std::int64_t width = spec.image_size[1];
  parallel_for(static_cast<std::int64_t>(samples.size()), 16, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      formats::Picture picture = formats::read_picture_file(samples[i].file);
      const std::int64_t channels = spec.color_mode == "auto"  ? (is_grey(picture) ? 1 : 3)
                                    : spec.color_mode == "rgb" ? 3
                                                               : 1;
      picture = formats::with_channels(picture, channels);
      pictures[i] = height > 0 && width > 0 ? formats::resized(picture, height, width) : std::move(picture);
    }
  });
  return pictures;
}

/// All pictures as one block of the same size and number of channels.
LabeledPictures join(const std::vector<Sample>& samples, std::vector<formats::Picture> pictures,
                     std::int64_t channels) {
  LabeledPictures part;
  if (pictures.empty()) {
    return part;
  }
  const auto& first = pictures.front();
  part.pictures = {static_cast<std::int64_t>(pictures.size()), first.height, first.width, channels, {}};
  part.pictures.pixels.reserve(pictures.size() * static_cast<std::size_t>(part.pictures.picture_size()));
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (pictures[i].height != part.pictures.height || pictures[i].width != part.pictures.width) {
      throw Error(ErrorKind::kData, samples[i].file.string(),
                  fmt::format("is {} x {}, others are {} x {}", pictures[i].height, pictures[i].width, first.height,
                              first.width),
                  {{"another", samples.front().file.string()}}, "one size for all: --set data.image_size=[28,28]");
    }
    const formats::Picture picture = formats::with_channels(pictures[i], channels);
    part.pictures.pixels.insert(part.pictures.pixels.end(), picture.pixels.begin(), picture.pixels.end());
    part.labels.push_back(samples[i].label);
    pictures[i].pixels = {};
  }
  return part;
}

/// Class names, and whether sub-folders may be their numbers instead.
std::pair<std::vector<std::string>, bool> classes_of(const fs::path& place, const fs::path& train) {
  if (std::error_code ignored; fs::exists(place / kNamesFile, ignored)) {
    return {read_class_names(place / kNamesFile), true};
  }
  std::vector<std::string> names = sub_folders(train);
  if (names.size() < 2) {
    throw Error(ErrorKind::kData, train.string(), "holds one class only, at least 2 are wanted",
                {{"class", names.front()}}, "a sub-folder for each class");
  }
  return {std::move(names), false};
}

}  // namespace

bool holds_pictures(const fs::path& folder) { return !pictures_in(folder).empty(); }

std::optional<DataSet> read_picture_folder(const fs::path& place, const DataSpec& spec, DataPart /*wanted*/) {
  if (!fs::is_directory(place)) {
    return std::nullopt;
  }
  const bool divided = fs::is_directory(place / "train");
  const fs::path train = divided ? place / "train" : place;
  const auto folders = sub_folders(train);
  if (std::none_of(folders.begin(), folders.end(),
                   [&](const std::string& name) { return !pictures_in(train / name).empty(); })) {
    return std::nullopt;
  }
  const auto [classes, numbered] = classes_of(place, train);
  const auto train_samples = list_samples(train, classes, numbered, spec.split_seed);
  std::vector<Sample> test_samples;
  if (divided && fs::is_directory(place / "test")) {
    test_samples = list_samples(place / "test", classes, numbered, spec.split_seed);
  }
  auto train_pictures = read_all(train_samples, spec);
  auto test_pictures = read_all(test_samples, spec);
  const bool grey = std::all_of(train_pictures.begin(), train_pictures.end(), is_grey);
  const std::int64_t channels = grey ? 1 : 3;
  DataSet data;
  data.location = place;
  data.class_names = classes;
  data.train = join(train_samples, std::move(train_pictures), channels);
  data.test = join(test_samples, std::move(test_pictures), channels);
  data.name = name_of(place, data.train.labels, data.class_names);
  const Pictures& test = data.test.pictures;
  if (test.count > 0 && (test.height != data.train.pictures.height || test.width != data.train.pictures.width)) {
    throw Error(ErrorKind::kData, (place / "test").string(),
                fmt::format("the test pictures are {} x {}, the training pictures {} x {}", test.height, test.width,
                            data.train.pictures.height, data.train.pictures.width),
                {}, "one size for all: --set data.image_size=[28,28]");
  }
  return data;
}

}  // namespace lapel::data
