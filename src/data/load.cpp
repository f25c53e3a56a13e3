#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/options.h"
#include "data/assemble.h"
#include "data/known.h"
#include "data/sources.h"
#include "lapel/data.h"
#include "lapel/error.h"

namespace lapel {

namespace data {

namespace {

constexpr std::array kReaders = {
    SourceReader{kIdxFolderFiles, read_idx_folder},
    SourceReader{kCsvFiles, read_csv_files},
    SourceReader{kPictureFolder, read_picture_folder},
};

std::vector<std::string_view> known_names() {
  std::vector<std::string_view> names;
  for (const KnownData& known : known_data()) {
    names.push_back(known.name);
  }
  return names;
}

[[noreturn]] void refuse_form(const std::filesystem::path& place, bool folder) {
  std::string wanted;
  for (const SourceReader& reader : source_readers()) {
    wanted += (wanted.empty() ? "" : "; or ") + std::string(reader.wanted);
  }
  if (folder && holds_pictures(place)) {
    throw Error(ErrorKind::kData, place.string(), "holds pictures, but no sub-folder for each class", {},
                "--data " + place.parent_path().string() + ", if this is one of its classes");
  }
  const std::string hint = folder ? "--data FOLDER" : "--data " + place.parent_path().string();
  throw Error(ErrorKind::kData, place.string(),
              folder ? "there is no data set in this folder" : "is neither a CSV file nor the folder of a data set",
              {{"looked for", std::move(wanted)}}, hint);
}

/// Absolute, without `.`, `..` and a slash at the end.
std::filesystem::path tidy(const std::filesystem::path& path) {
  std::filesystem::path result = std::filesystem::absolute(path).lexically_normal();
  return result.has_filename() ? result : result.parent_path();
}

/// Reads what lies at a place that a person named.
DataSet read_place(const std::filesystem::path& given, const DataSpec& spec, DataPart wanted) {
  const std::filesystem::path place = tidy(given);
  std::error_code failure;
  const auto status = std::filesystem::status(place, failure);
  if (!std::filesystem::exists(status)) {
    const bool missing = status.type() == std::filesystem::file_type::not_found;
    throw Error(ErrorKind::kIo, place.string(),
                missing ? "there is no such file or folder" : "cannot be read: " + failure.message(), {},
                "the path of a folder with a data set");
  }
  for (const SourceReader& reader : source_readers()) {
    if (std::optional<DataSet> found = reader.read(place, spec, wanted)) {
      return *std::move(found);
    }
  }
  refuse_form(place, std::filesystem::is_directory(status));
}

/// The place of a known data set: LAPEL_DATA if set, else where its package is installed.
DataSet read_known(const KnownData& known, const DataSpec& spec, DataPart wanted) {
  const char* folder = std::getenv("LAPEL_DATA");
  if (folder == nullptr || *folder == '\0') {
    return read_place(find_installed(known, share_folders()), spec, wanted);
  }
  try {
    return read_place(folder, spec, wanted);
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

DataSet read_source(const DataSpec& spec, DataPart wanted) {
  if (const KnownData* known = find_known(spec.source)) {
    return read_known(*known, spec, wanted);
  }
  std::error_code ignored;
  const bool is_path = spec.source.find('/') != std::string::npos;
  if (!is_path && !std::filesystem::exists(spec.source, ignored)) {
    refuse_name(spec.source);
  }
  return read_place(spec.source, spec, wanted);
}

}  // namespace

std::span<const SourceReader> source_readers() { return kReaders; }

}  // namespace data

DataSet load_data(const DataSpec& spec, DataPart wanted) {
  const auto& [height, width] = spec.image_size;
  if ((height == 0) != (width == 0)) {
    throw Error(ErrorKind::kRecipe, "data", fmt::format("image_size = [{}, {}] is not allowed", height, width),
                {{"allowed", "two numbers, both 0 or neither"}}, "image_size = [28, 28]");
  }
  // A test part that is split off comes from the training pictures.
  DataSet data = data::read_source(spec, spec.test_split > 0 ? DataPart::kAll : wanted);
  if (spec.test_split > 0 && data.test.pictures.count == 0) {
    data::split_test(data, spec.test_split, static_cast<std::uint64_t>(spec.split_seed));
  }
  if (wanted == DataPart::kTest) {
    data.train = {};
  } else if (wanted == DataPart::kTrain) {
    data.test = {};
  }
  return data;
}

DataSet load_data(const std::string& source) {
  DataSpec spec;
  spec.source = source;
  return load_data(spec);
}

}  // namespace lapel
