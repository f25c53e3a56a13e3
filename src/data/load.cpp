#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/only_errors.h"
#include "base/options.h"
#include "data/assemble.h"
#include "data/class_names.h"
#include "data/known.h"
#include "data/layout.h"
#include "data/sources.h"
#include "data/unpacked.h"
#include "formats/bytes.h"
#include "formats/sniff.h"
#include "lapel/data.h"
#include "lapel/error.h"

namespace lapel {

namespace data {

namespace {

constexpr std::array kReaders = {
    SourceReader{kIdxFolderFiles, read_idx_folder},
    SourceReader{kCsvFiles, read_csv_files},
    SourceReader{kPictureFolder, read_picture_folder},
    SourceReader{kNumpyFiles, read_numpy_files},
};

std::vector<std::string_view> known_names() {
  std::vector<std::string_view> names;
  for (const KnownData& known : known_data()) {
    names.push_back(known.name);
  }
  return names;
}

/// A file of a form that is not read is named for what it is.
[[noreturn]] void refuse_file(const std::filesystem::path& place, const std::string& wanted) {
  const std::vector<std::uint8_t> begin = formats::read_begin(place, formats::kSniffedBytes);
  const std::string kind = formats::looks_like(begin);
  if (formats::picture_kind(begin) != formats::PictureKind::kNone) {
    throw Error(ErrorKind::kData, place.string(), fmt::format("is {}, and no data set", kind), {},
                "the folder that holds the folders of the classes; lapel predict RUN names single pictures");
  }
  if (kind.empty() || kind.starts_with("text") || kind.starts_with("IDX")) {
    throw Error(ErrorKind::kData, place.string(), "is neither a CSV file nor the folder of a data set",
                {{"looked for", wanted}}, "--data " + place.parent_path().string());
  }
  const bool parquet = kind == "a Parquet file";
  throw Error(ErrorKind::kData, place.string(), fmt::format("is {}, which is not read", kind), {{"looked for", wanted}},
              parquet ? "docs/data.md, \"Parquet\", has a short Python program that writes its pictures as folders"
                      : "in Python: numpy.savez(\"data.npz\", x_train=..., y_train=..., x_test=..., y_test=...), which "
                        "is read");
}

[[noreturn]] void refuse_form(const std::filesystem::path& place, bool folder) {
  std::string wanted;
  for (const SourceReader& reader : source_readers()) {
    wanted += (wanted.empty() ? "" : "; or ") + std::string(reader.wanted);
  }
  if (folder && holds_pictures(place)) {
    throw Error(ErrorKind::kData, place.string(), "holds pictures, but no sub-folder for each class",
                {{"here are", words_for_content(place)}},
                "--data " + place.parent_path().string() + ", if this is one of its classes");
  }
  if (!folder) {
    refuse_file(place, wanted);
  }
  const auto files = content_of(place).files;
  const auto packed = std::find_if(files.begin(), files.end(), is_packed);
  throw Error(ErrorKind::kData, place.string(), "there is no data set in this folder",
              {{"here are", words_for_content(place)}, {"looked for", std::move(wanted)}},
              packed != files.end()
                  ? "--data " + packed->string()
                  : "--data FOLDER, where FOLDER/CLASS/picture.png, or FOLDER/train/CLASS/picture.png, or "
                    "FOLDER/train.csv");
}

/// Absolute, without `.`, `..` and a slash at the end.
std::filesystem::path tidy(const std::filesystem::path& path) {
  std::filesystem::path result = std::filesystem::absolute(path).lexically_normal();
  return result.has_filename() ? result : result.parent_path();
}

/// What any of the readers makes of a place.
std::optional<DataSet> read_with_any(const std::filesystem::path& place, const DataSpec& spec, DataPart wanted,
                                     const LoadSettings& settings) {
  for (const SourceReader& reader : source_readers()) {
    if (std::optional<DataSet> found = reader.read(place, spec, wanted, settings)) {
      return found;
    }
  }
  return std::nullopt;
}

DataSet read_place(const std::filesystem::path& given, const DataSpec& spec, DataPart wanted,
                   const LoadSettings& settings);

/// Reads the data set in an archive.
DataSet read_packed(const std::filesystem::path& archive, const DataSpec& spec, DataPart wanted,
                    const LoadSettings& settings) {
  const UnpackedArchive unpacked(archive, settings);
  try {
    DataSet data = read_place(unpacked.folder(), spec, wanted, settings);
    data.location = archive;
    data.name = data.name == unpacked.folder().filename().string() ? name_without_archive_ending(archive) : data.name;
    return data;
  } catch (const Error& error) {
    throw unpacked.as_of_archive(error);
  }
}

/// Reads what lies at a place that a person named, or in the one folder that is there.
DataSet read_place(const std::filesystem::path& given, const DataSpec& spec, DataPart wanted,
                   const LoadSettings& settings) {
  constexpr int kMostSteps = 8;
  const std::filesystem::path place = tidy(given);
  std::error_code failure;
  const auto status = std::filesystem::status(place, failure);
  if (!std::filesystem::exists(status)) {
    const bool missing = status.type() == std::filesystem::file_type::not_found;
    throw Error(ErrorKind::kIo, place.string(),
                missing ? "there is no such file or folder" : "cannot be read: " + failure.message(), {},
                "the path of a folder with a data set");
  }
  const bool folder = std::filesystem::is_directory(status);
  if (!folder && is_packed(place)) {
    return read_packed(place, spec, wanted, settings);
  }
  std::optional<std::filesystem::path> at = place;
  for (int step = 0; at && step < kMostSteps; ++step) {
    if (std::optional<DataSet> found = read_with_any(*at, spec, wanted, settings)) {
      if (*at != place) {
        add_remark(found->findings, FindingKind::kTaken,
                   fmt::format("read from {}", readable(at->lexically_relative(place).string())));
        found->location = place;
        found->name = found->name == at->filename().string() ? place.filename().string() : found->name;
      }
      return *std::move(found);
    }
    at = folder ? only_folder(*at) : std::nullopt;
  }
  refuse_form(place, folder);
}

/// The place of a known data set: LAPEL_DATA if set, else where its package is installed.
DataSet read_known(const KnownData& known, const DataSpec& spec, DataPart wanted, const LoadSettings& settings) {
  const char* folder = std::getenv("LAPEL_DATA");
  if (folder == nullptr || *folder == '\0') {
    return read_place(find_installed(known, share_folders()), spec, wanted, settings);
  }
  try {
    return read_place(folder, spec, wanted, settings);
  } catch (const Error& error) {
    throw error.within("LAPEL_DATA");
  }
}

[[noreturn]] void refuse_name(const std::string& name) {
  const std::vector<std::string_view> known = known_names();
  std::string list;
  for (const std::string_view item : known) {
    list += (list.empty() ? "" : ", ") + std::string(item);
  }
  const std::string near = nearest_word(name, known);
  throw Error(ErrorKind::kData, fmt::format("data '{}'", name), "is neither a known data set nor a folder",
              {{"known", std::move(list)}}, near.empty() ? "the path of a folder" : near);
}

DataSet read_source(const std::string& source, const DataSpec& spec, DataPart wanted, const LoadSettings& settings) {
  if (const KnownData* known = find_known(source)) {
    return read_known(*known, spec, wanted, settings);
  }
  const bool is_path = source.find('/') != std::string::npos;
  if (!is_path && !formats::is_there(source)) {
    refuse_name(source);
  }
  return read_place(source, spec, wanted, settings);
}

/// The pictures of another place as the test part: its test part, or all of it.
void take_test_from(DataSet& data, const DataSpec& spec, const LoadSettings& settings) {
  DataSpec other = spec;
  other.color_mode = data.train.pictures.channels == 1 ? "grayscale" : "rgb";
  other.image_size = {data.train.pictures.height, data.train.pictures.width};
  other.background = data.format.background;
  DataSet test = with_classes(read_source(spec.test_source, other, DataPart::kAll, settings), data.class_names);
  const bool whole = test.test.pictures.count == 0;
  data.test = std::move(whole ? test.train : test.test);
  const Pictures& pictures = data.test.pictures;
  if (pictures.height != data.train.pictures.height || pictures.width != data.train.pictures.width ||
      pictures.channels != data.train.pictures.channels) {
    throw Error(ErrorKind::kData, test.location.string(),
                fmt::format("the test pictures are {} x {} x {}, the training pictures {} x {} x {}", pictures.height,
                            pictures.width, pictures.channels, data.train.pictures.height, data.train.pictures.width,
                            data.train.pictures.channels),
                {}, "pictures of one size");
  }
  data.has_test_part = true;
  for (Finding& one : test.findings) {
    one.what = "test pictures: " + one.what;
    data.findings.push_back(std::move(one));
  }
  add_remark(data.findings, FindingKind::kTaken,
             fmt::format("the test part is {} of {}", whole ? "all" : "the test part", spec.test_source));
}

void hold_out_test(DataSet& data, const DataSpec& spec) {
  split_test(data, spec.test_split, static_cast<std::uint64_t>(spec.split_seed));
  if (data.test.pictures.count > 0) {
    data.held_out = spec.test_split;
    add_remark(data.findings, FindingKind::kTaken,
               fmt::format("there is no test part: {:g}% of each class, {} pictures, are held out (data.test_split)",
                           100 * spec.test_split, data.test.pictures.count));
  }
}

}  // namespace

std::span<const SourceReader> source_readers() { return kReaders; }

}  // namespace data

namespace {

DataSet load(const DataSpec& spec, DataPart wanted, const LoadSettings& settings) {
  const auto& [height, width] = spec.image_size;
  if ((height == 0) != (width == 0)) {
    throw Error(ErrorKind::kRecipe, "data", fmt::format("image_size = [{}, {}] is not allowed", height, width),
                {{"allowed", "two numbers, both 0 or neither"}}, "image_size = [28, 28]");
  }
  DataSet data = data::read_source(spec.source, spec, wanted, settings);
  if (!spec.test_source.empty() && wanted != DataPart::kTrain) {
    data = wanted == DataPart::kAll ? std::move(data) : data::read_source(spec.source, spec, DataPart::kAll, settings);
    data::take_test_from(data, spec, settings);
  } else if (spec.test_split > 0 && !data.has_test_part && spec.test_source.empty()) {
    // A test part that is held out comes from the training pictures.
    data = wanted == DataPart::kAll ? std::move(data) : data::read_source(spec.source, spec, DataPart::kAll, settings);
    data::hold_out_test(data, spec);
  }
  data::add_warnings(data);
  for (const auto& [part, pictures] : {std::pair(DataPart::kTrain, &data.train), std::pair(DataPart::kTest, &data.test),
                                       std::pair(DataPart::kValidation, &data.validation)}) {
    if (wanted != DataPart::kAll && wanted != part) {
      *pictures = {};
    }
  }
  return data;
}

}  // namespace

DataSet load_data(const DataSpec& spec, DataPart wanted, const LoadSettings& settings) {
  return only_errors(spec.source, [&] { return load(spec, wanted, settings); });
}

DataSet load_data(const std::string& source) {
  DataSpec spec;
  spec.source = source;
  spec.test_split = 0;
  return load_data(spec);
}

}  // namespace lapel
