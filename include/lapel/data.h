#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "lapel/findings.h"
#include "lapel/recipe.h"

namespace lapel {

/// The number of a class, from 0.
using Label = std::uint16_t;

/// Pictures of one size: values 0-255, dense in the order n, h, w, c.
struct Pictures {
  std::int64_t count = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;  ///< 1 grey, 3 RGB
  std::vector<std::uint8_t> pixels;

  [[nodiscard]] std::int64_t picture_size() const { return height * width * channels; }
  [[nodiscard]] std::span<const std::uint8_t> picture(std::int64_t index) const {
    return std::span(pixels).subspan(static_cast<std::size_t>(index * picture_size()),
                                     static_cast<std::size_t>(picture_size()));
  }
};

struct LabeledPictures {
  Pictures pictures;
  std::vector<Label> labels;  ///< One a picture, below the number of classes.
};

/// The form to which pictures of any size, colours and transparency are brought, the same in every use (docs/data.md).
struct PictureFormat {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::int64_t channels = 1;         ///< 1 grey, 3 RGB
  std::string fit = "stretch";       ///< "stretch"; "pad", the proportions kept with a border; "crop", the middle of it
  std::string background = "black";  ///< Over which transparency is blended, and of the border: "black" or "white"
};

/// A data set as it was delivered: training pictures, and validation and test pictures if it has any (count 0 if not).
struct DataSet {
  std::string name;                ///< `fashion-mnist`, or the folder's name
  std::filesystem::path location;  ///< Where it was read from, absolute
  std::vector<std::string> class_names;
  LabeledPictures train;
  LabeledPictures test;
  LabeledPictures validation = {};
  PictureFormat format = {};      ///< Of the pictures.
  bool has_test_part = false;     ///< The source has test pictures of its own, whether or not they were read.
  double held_out = 0;            ///< The share of each training class that became the test part; 0: none did.
  bool numbered_classes = false;  ///< The classes are the numbers of the labels, in their order, not names alone.
  Findings findings = {};         ///< What was guessed, converted and left out.
};

/// Which part of a data set someone is after.
enum class DataPart { kAll, kTrain, kTest, kValidation };

/// How far the reading of picture files has come.
struct LoadProgress {
  std::int64_t done = 0;
  std::int64_t total = 0;
};

/// What a loading is given beside its specification.
struct LoadSettings {
  /// Hears how far it has come, at most every twentieth of a second, on one thread at a time.
  std::function<void(const LoadProgress&)> progress = {};
  /// A request to stop ends it with an Error (kInterrupted).
  std::stop_token stop = {};
};

/// Reads a data set (docs/data.md). `source` is a known name (`fashion-mnist`: the place in the environment variable
/// LAPEL_DATA if set, else Debian's package `dataset-fashion-mnist`), or the path of
///  - a folder with the four IDX files, plain or .gz;
///  - a CSV file, or a folder with one for training and perhaps others for validation and testing, plain or .gz;
///  - a folder with a sub-folder of pictures for each class, or with such folders `train`, `val` and `test`.
/// Class names: `class_names.txt` (one a line) if there is one; Fashion-MNIST's own if the training labels are its own;
/// else the names of the sub-folders, words, or numbers. Of `spec`, only what is about reading is used, and
/// `test_split`, not the division into training and validation. Where one part alone is wanted the others are empty,
/// and of IDX files their pictures are not read, which saves most of the time. Throws Error (kIo, kData, kRecipe) with
/// the file, the line and the numbers, and (kInterrupted).
[[nodiscard]] DataSet load_data(const DataSpec& spec, DataPart wanted = DataPart::kAll,
                                const LoadSettings& settings = {});
/// The same as it was delivered, without a part held out for testing.
[[nodiscard]] DataSet load_data(const std::string& source = "fashion-mnist");

/// `data` with labels that mean `class_names`, those of a model: classes are matched by name, so that a data set which
/// lacks some, or has them in another order, is measured rightly. Where one side has numbers and the other names, the
/// number that a label is counts, and `findings` say what was taken for what. Throws Error (kData) for pictures of a
/// class that is not among `class_names`, and where names and numbers cannot be brought together.
[[nodiscard]] DataSet with_classes(DataSet data, const std::vector<std::string>& class_names);

/// The forms in which a data set can be written.
enum class DataForm { kIdx, kCsv, kFolder };

/// Writes a data set so that load_data reads the same one again: pictures, labels, order, class names. `place` is a
/// folder that does not exist yet; it appears when everything is in it. Throws Error (kUsage) where it exists, (kIo),
/// and (kData) for more classes than the form can hold, and for class names that no form can hold (of several lines).
void save_data(const DataSet& data, const std::filesystem::path& place, DataForm form);

/// Reads one picture (PNG, JPEG, WebP, GIF, BMP, TIFF) and brings it to `format`: turned as its EXIF data say, in the
/// colours of sRGB, transparency over the format's background, grey by ITU-R BT.601 luma, the size by stb_image_resize
/// (the mean over what a pixel covers where it becomes smaller). Throws Error (kIo, kData).
[[nodiscard]] Pictures read_picture(const std::filesystem::path& file, const PictureFormat& format);

/// A photograph of one dark thing on a light ground as Fashion-MNIST shows things, light on black, by the steps of
/// Xiao, Rasul & Vollgraf 2017 (arXiv 1708.07747, section 2): edges that differ by less than 5% from the corner's
/// colour are trimmed; the longest edge is brought to the size wanted by leaving out rows and columns; sharpened by a
/// Gaussian of radius and deviation 1; put in the middle of the canvas; negated; grey where `channels` is 1. Throws
/// Error (kIo, kData), also where nothing is left after trimming.
[[nodiscard]] Pictures picture_from_photo(const std::filesystem::path& file, std::int64_t height, std::int64_t width,
                                          std::int64_t channels);

/// What one part of a data set holds.
struct SplitDescription {
  std::string name;                     ///< `train`, `validation` or `test`
  std::array<std::int64_t, 4> shape{};  ///< n, h, w, c
  int min_pixel = 0;
  int max_pixel = 0;
  double mean_pixel = 0;
  double std_pixel = 0;                    ///< Population standard deviation.
  std::vector<std::int64_t> class_counts;  ///< By label.
};

struct DataDescription {
  std::string name;
  std::filesystem::path location;
  std::vector<std::string> class_names;
  std::vector<SplitDescription> splits;
  Findings findings = {};
};

[[nodiscard]] DataDescription describe(const DataSet& data);

}  // namespace lapel
