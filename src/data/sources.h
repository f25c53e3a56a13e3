#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "lapel/data.h"

namespace lapel::data {

/// One form in which a data set may lie on disk.
struct SourceReader {
  std::string_view wanted;  ///< What makes up this form, in words: "the files a, b and c".
  /// The data set at `place` (a file or a folder that exists; absolute); nothing where it is not of this form. Throws
  /// Error (kIo, kData) where it is of this form, but damaged or incomplete. A part that is not wanted may be read.
  std::optional<DataSet> (*read)(const std::filesystem::path& place, const DataSpec& spec, DataPart wanted,
                                 const LoadSettings& settings);
};

/// Every form, in the order in which they are tried. A new form is one more line in this table.
[[nodiscard]] std::span<const SourceReader> source_readers();

/// The four IDX files of MNIST and its relatives: {train,t10k}-images-idx3-ubyte and {train,t10k}-labels-idx1-ubyte,
/// each also as `.gz` and with a dot before `idx`; images of rank 4 (n, h, w, c) as `idx4`; the t10k pair may be
/// absent. Class names as load_data says.
[[nodiscard]] std::optional<DataSet> read_idx_folder(const std::filesystem::path& place, const DataSpec& spec,
                                                     DataPart wanted, const LoadSettings& settings);

/// What read_idx_folder looks for.
inline constexpr std::string_view kIdxFolderFiles =
    "train-images-idx3-ubyte[.gz] and train-labels-idx1-ubyte[.gz], with t10k-images-idx3-ubyte[.gz] and "
    "t10k-labels-idx1-ubyte[.gz] if there are test pictures";

/// A CSV file, or a folder with one whose name has "train" in it, or which is the only one, and perhaps others for
/// validation and test. A test file without labels is left out.
[[nodiscard]] std::optional<DataSet> read_csv_files(const std::filesystem::path& place, const DataSpec& spec,
                                                    DataPart wanted, const LoadSettings& settings);

/// What read_csv_files looks for.
inline constexpr std::string_view kCsvFiles =
    "a CSV file with \"train\" in its name (label,pixel1,pixel2,...), and one with \"test\" if there are test pictures";

/// A `.npz` file of NumPy's, or a folder with such and `.npy` files: arrays of pictures, (n, h, w), (n, h, w, c), (n,
/// c, h, w) or (n, side * side), and of labels, (n) or (n, 1); their names say the part: `x_train`, `val_labels`, `x`.
[[nodiscard]] std::optional<DataSet> read_numpy_files(const std::filesystem::path& place, const DataSpec& spec,
                                                      DataPart wanted, const LoadSettings& settings);

/// What read_numpy_files looks for.
inline constexpr std::string_view kNumpyFiles = "a .npz file with x_train and y_train, and x_test and y_test";

/// A folder with a sub-folder of pictures for each class, or with such folders for training, validation and test
/// (layout.h). Names of sub-folders are the classes; with a class_names.txt they may be labels.
[[nodiscard]] std::optional<DataSet> read_picture_folder(const std::filesystem::path& place, const DataSpec& spec,
                                                         DataPart wanted, const LoadSettings& settings);

/// What read_picture_folder looks for.
inline constexpr std::string_view kPictureFolder = "a sub-folder of pictures for each class";

}  // namespace lapel::data
