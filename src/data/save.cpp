#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <system_error>

#include "base/threads.h"
#include "data/check.h"
#include "data/class_names.h"
#include "formats/bytes.h"
#include "formats/codecs.h"
#include "formats/csv.h"
#include "formats/idx.h"
#include "lapel/data.h"
#include "lapel/error.h"

namespace lapel {

namespace {

namespace fs = std::filesystem;

/// A folder beside `place` that becomes it, or vanishes.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& place) : place_(fs::absolute(place).lexically_normal()) {
    if (!place_.has_filename()) {
      place_ = place_.parent_path();
    }
    std::error_code failure;
    if (fs::exists(place_, failure)) {
      throw Error(ErrorKind::kUsage, place_.string(), "exists already; nothing is written over", {},
                  "a folder that does not exist yet");
    }
    building_ = place_.parent_path() / fmt::format(".{}.partial", place_.filename().string());
    fs::remove_all(building_, failure);
    fs::create_directories(building_, failure);
    check(failure, building_);
  }
  ~NewFolder() {
    std::error_code ignored;
    fs::remove_all(building_, ignored);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  [[nodiscard]] const fs::path& path() const { return building_; }
  void finish() const {
    std::error_code failure;
    fs::rename(building_, place_, failure);
    check(failure, place_);
  }
  static void check(const std::error_code& failure, const fs::path& what) {
    if (failure) {
      throw Error(ErrorKind::kIo, what.string(), "cannot be made: " + failure.message(), {},
                  "a folder that can be written to");
    }
  }

 private:
  fs::path place_;
  fs::path building_;
};

void write_idx(const fs::path& folder, const std::string& part, const LabeledPictures& content) {
  const Pictures& pictures = content.pictures;
  std::vector<std::uint8_t> labels;
  for (const Label label : content.labels) {
    labels.push_back(static_cast<std::uint8_t>(label));
  }
  formats::IdxArray images{{pictures.count, pictures.height, pictures.width}, pictures.pixels};
  if (pictures.channels != 1) {
    images.shape.push_back(pictures.channels);
  }
  formats::write_file(folder / fmt::format("{}-images-idx{}-ubyte", part, images.shape.size()),
                      formats::idx_bytes(images));
  formats::write_file(folder / fmt::format("{}-labels-idx1-ubyte", part),
                      formats::idx_bytes({{pictures.count}, std::move(labels)}));
}

void write_csv(const fs::path& folder, const std::string& part, const LabeledPictures& content) {
  const Pictures& pictures = content.pictures;
  formats::write_csv(folder / (part + ".csv"),
                     {pictures.height, pictures.width, pictures.channels, content.labels, pictures.pixels, {}, 1, {}});
}

/// The sub-folder of each class: its name, where reading gives the classes in the same order from the names alone; else
/// its number, with as many digits as the last one has.
std::vector<std::string> class_folders(const DataSet& data) {
  std::vector<std::string> numbers;
  const std::size_t digits = std::to_string(data.class_names.size() - 1).size();
  for (std::size_t i = 0; i < data.class_names.size(); ++i) {
    numbers.push_back(fmt::format("{:0{}}", i, digits));
  }
  const std::set<Label> present(data.train.labels.begin(), data.train.labels.end());
  const bool plain = std::all_of(data.class_names.begin(), data.class_names.end(), [](const std::string& name) {
    return !name.empty() && name[0] != '.' && name.find('/') == std::string::npos &&
           name.find_first_not_of("0123456789") != std::string::npos;
  });
  const bool ordered = std::adjacent_find(data.class_names.begin(), data.class_names.end(), std::greater_equal<>()) ==
                       data.class_names.end();
  return plain && ordered && present.size() == data.class_names.size() ? data.class_names : numbers;
}

/// Not synced one by one: the folder they are in gets its name when all are there.
void write_plainly(const fs::path& file, std::span<const std::uint8_t> bytes) {
  std::ofstream stream(file, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) {
    throw Error(ErrorKind::kIo, file.string(),
                "cannot be written: " + std::generic_category().message(errno == 0 ? EIO : errno), {},
                "free some space, or another folder");
  }
}

void write_folder(const fs::path& folder, const std::vector<std::string>& classes, const LabeledPictures& content) {
  const std::set<Label> present(content.labels.begin(), content.labels.end());
  for (const Label label : present) {
    std::error_code failure;
    fs::create_directories(folder / classes.at(label), failure);
    NewFolder::check(failure, folder / classes.at(label));
  }
  const Pictures& pictures = content.pictures;
  const std::size_t digits = std::to_string(std::max<std::int64_t>(1, pictures.count) - 1).size();
  parallel_for(pictures.count, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto pixels = pictures.picture(i);
      const fs::path file =
          folder / classes.at(content.labels[static_cast<std::size_t>(i)]) / fmt::format("{:0{}}.png", i, digits);
      write_plainly(file, formats::encode_png(
                              {pictures.height, pictures.width, pictures.channels, {pixels.begin(), pixels.end()}},
                              file.string()));
    }
  });
}

/// Names that reading would not give back as they are.
void check_names(const DataSet& data) {
  for (const std::string& name : data.class_names) {
    if (data::canonical_name(name, data.location.string()) != name) {
      throw Error(ErrorKind::kData, data.location.string(),
                  fmt::format("the class name \"{}\" is not one that can be written", data::readable(name)),
                  {{"allowed", "UTF-8 in composed form (NFC), without blanks at its ends"}}, "another name");
    }
  }
  data::check_different(data.class_names, data.location.string());
}

void check_classes(const DataSet& data) {
  constexpr std::size_t kMost = 256;
  if (data.class_names.size() > kMost) {
    throw Error(ErrorKind::kData, data.location.string(),
                fmt::format("has {} classes, an IDX file of labels holds at most {}", data.class_names.size(), kMost),
                {}, "CSV, or a folder");
  }
}

void check_parts(const DataSet& data) {
  if (data.validation.pictures.count > 0) {
    throw Error(ErrorKind::kData, data.location.string(), "has validation pictures, for which IDX has no file",
                {{"pictures", fmt::format("{}", data.validation.pictures.count)}}, "CSV, or a folder");
  }
}

void write_parts(const DataSet& data, const fs::path& folder, DataForm form) {
  std::string names;
  for (const std::string& name : data.class_names) {
    names += name + "\n";
  }
  formats::write_text_file(folder / data::kNamesFile, names);
  const auto classes = class_folders(data);
  struct Part {
    const LabeledPictures& content;
    const char* idx;
    const char* name;
  };
  for (const Part& part :
       {Part{data.train, "train", "train"}, Part{data.validation, "", "val"}, Part{data.test, "t10k", "test"}}) {
    if (part.content.pictures.count == 0) {
      continue;
    }
    switch (form) {
      case DataForm::kIdx:
        write_idx(folder, part.idx, part.content);
        break;
      case DataForm::kCsv:
        write_csv(folder, part.name, part.content);
        break;
      case DataForm::kFolder:
        write_folder(folder / part.name, classes, part.content);
        break;
    }
  }
}

}  // namespace

void save_data(const DataSet& data, const std::filesystem::path& place, DataForm form) {
  data::check_whole(data);
  if (form == DataForm::kIdx) {
    check_classes(data);
    check_parts(data);
  }
  check_names(data);
  const NewFolder folder(place);
  try {
    write_parts(data, folder.path(), form);
  } catch (const Error& error) {  // The folder under its other name is gone by the time this is read.
    throw Error(error.kind(), place.string(), error.problem(), error.facts(), error.hint());
  }
  folder.finish();
}

}  // namespace lapel
