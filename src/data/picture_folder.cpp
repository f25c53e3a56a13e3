#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "data/assemble.h"
#include "data/class_names.h"
#include "data/layout.h"
#include "data/picture_files.h"
#include "data/picture_reader.h"
#include "data/sources.h"
#include "formats/bytes.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

namespace fs = std::filesystem;

/// Class names, and whether sub-folders may be their numbers instead.
std::pair<std::vector<std::string>, bool> classes_of(const PictureLayout& layout) {
  if (std::error_code ignored; fs::exists(layout.place / kNamesFile, ignored)) {
    return {read_class_names(layout.place / kNamesFile), true};
  }
  return {class_names_of(!layout.train.empty()  ? layout.train
                         : !layout.test.empty() ? layout.test
                                                : layout.validation),
          false};
}

/// Takes classes that no picture has out of those that folders are named for.
void drop_empty_classes(DataSet& data) {
  std::vector<char> used(data.class_names.size(), 0);
  for (const LabeledPictures* part : {&data.train, &data.validation, &data.test}) {
    for (const Label label : part->labels) {
      used[label] = 1;
    }
  }
  std::vector<Label> meaning;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < used.size(); ++i) {
    meaning.push_back(static_cast<Label>(names.size()));
    if (used[i] != 0) {
      names.push_back(data.class_names[i]);
    }
  }
  for (LabeledPictures* part : {&data.train, &data.validation, &data.test}) {
    for (Label& label : part->labels) {
      label = meaning[label];
    }
  }
  data.class_names = std::move(names);
}

}  // namespace

std::optional<DataSet> read_picture_folder(const fs::path& place, const DataSpec& spec, DataPart wanted,
                                           const LoadSettings& settings) {
  DataSet data;
  if (!formats::is_folder(place)) {
    return std::nullopt;
  }
  const auto layout = find_picture_layout(place, data.findings);
  if (!layout) {
    return std::nullopt;
  }
  bool numbered = false;
  std::tie(data.class_names, numbered) = classes_of(*layout);
  ClassFolders folders(spec, place, data.class_names, numbered);
  const auto listed = [&](const fs::path& part) {
    return part.empty() ? std::vector<PictureFile>() : folders.list(part, data.findings);
  };
  auto train = listed(layout->train);
  auto validation = listed(layout->validation);
  auto test = listed(layout->test);
  folders.check_shares();
  data.has_test_part = !test.empty();
  LoadWatch watch(settings);
  PictureReader reader(spec, watch, folders, data.findings);
  data.format = reader.choose_format(!train.empty() ? train : !test.empty() ? test : validation);
  const bool all = wanted == DataPart::kAll;
  for (const auto& [part, files, of] : {std::tuple(&data.train, &train, DataPart::kTrain),
                                        std::tuple(&data.validation, &validation, DataPart::kValidation),
                                        std::tuple(&data.test, &test, DataPart::kTest)}) {
    if (!all && wanted != of) {
      files->clear();
    }
    watch.add_total(static_cast<std::int64_t>(files->size()));
  }
  data.location = place;
  data.train = reader.read(std::move(train), data.format);
  data.validation = reader.read(std::move(validation), data.format);
  data.test = reader.read(std::move(test), data.format);
  if (numbered) {
    data.numbered_classes = true;
  } else if (all) {
    drop_empty_classes(data);
  }
  data.name = name_of(place, data.train.labels, data.class_names);
  return data;
}

}  // namespace lapel::data
