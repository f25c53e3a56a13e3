#include "lapel/picture_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "base/only_errors.h"
#include "base/threads.h"
#include "data/class_names.h"
#include "data/layout.h"
#include "data/picture_pipeline.h"
#include "formats/archive.h"
#include "formats/bytes.h"
#include "formats/csv.h"
#include "formats/sniff.h"
#include "lapel/error.h"

namespace lapel {

namespace {

namespace fs = std::filesystem;

/// Names as people sort them: numbers within them by their value.
bool comes_before(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      const auto run = [&](const std::string& text, std::size_t& at) {
        at = std::min(text.find_first_not_of('0', at), text.size());
        const std::size_t begin = at;
        while (at < text.size() && digit(text[at])) {
          ++at;
        }
        return std::string_view(text).substr(begin, at - begin);
      };
      const std::string_view left = run(a, i);
      const std::string_view right = run(b, j);
      if (left != right) {
        return left.size() != right.size() ? left.size() < right.size() : left < right;
      }
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i;
      ++j;
    }
  }
  return a.size() - i != b.size() - j ? a.size() - i < b.size() - j : a < b;
}

/// One thing to be decoded: a file, or bytes of an archive.
struct Waiting {
  std::string name;
  fs::path file;
  std::vector<std::uint8_t> bytes;
  std::string problem;
};

}  // namespace

struct PictureStream::Impl {
  Impl(std::vector<fs::path> given, PictureFormat wanted) : format(std::move(wanted)) {
    for (const auto& input : given) {
      add_input(input);
    }
  }

  void add_input(const fs::path& input) {
    if (!formats::is_there(input)) {
      throw Error(ErrorKind::kIo, input.string(), "there is no such picture or folder", {},
                  "the path of a picture, a folder, an archive or a CSV file");
    }
    if (!formats::is_folder(input)) {
      counted = counted && !formats::has_archive_ending(input) && !formats::has_csv_ending(input);
      inputs.push_back(input);
      return;
    }
    add_folder(input);
  }

  void add_folder(const fs::path& folder) {
    std::error_code failure;
    if (const fs::path real = fs::canonical(folder, failure); failure || !seen.insert(real).second) {
      return;  // A link leads back to a folder above it.
    }
    data::FolderContent content = data::content_of(folder);
    const auto by_name = [](const fs::path& a, const fs::path& b) {
      return comes_before(a.filename().string(), b.filename().string());
    };
    std::sort(content.files.begin(), content.files.end(), by_name);
    std::sort(content.folders.begin(), content.folders.end(), by_name);
    for (const auto& file : content.files) {
      if (data::has_picture_ending(file)) {
        inputs.push_back(file);
      } else {
        add_finding(findings, FindingKind::kLeftOut, "files that are no pictures by their names", file.string());
      }
    }
    for (const auto& inner : content.folders) {
      add_folder(inner);
    }
  }

  /// The next thing to be decoded; nothing at the end, and where the next input is a CSV file.
  std::optional<Waiting> next_waiting() {
    while (true) {
      if (archive) {
        if (std::optional<formats::ArchiveEntry> entry = archive->next()) {
          if (std::optional<Waiting> found = of_archive(*std::move(entry))) {
            return found;
          }
          continue;
        }
        archive.reset();
      }
      if (at >= inputs.size() || formats::has_csv_ending(inputs[at])) {
        return std::nullopt;
      }
      const fs::path& input = inputs[at++];
      if (!formats::has_archive_ending(input)) {
        return Waiting{input.string(), input, {}, {}};
      }
      archive.emplace(input, formats::ArchiveContent::kPictures);
      archive_name = input.string();
    }
  }

  PictureBatch next(std::size_t most) {
    std::vector<Waiting> waiting;
    std::uint64_t bytes = 0;
    while (waiting.size() < most && bytes < kMostWaitingBytes) {
      std::optional<Waiting> one = next_waiting();
      if (!one) {
        break;
      }
      bytes += one->bytes.size();
      waiting.push_back(*std::move(one));
    }
    return !waiting.empty() || at >= inputs.size() ? decode(std::move(waiting)) : next_rows(most);
  }

  std::optional<Waiting> of_archive(formats::ArchiveEntry entry) {
    const fs::path path(entry.name);
    const bool hidden = std::any_of(path.begin(), path.end(), [](const fs::path& part) {
      return part.string().starts_with('.') || part == "__MACOSX";
    });
    const bool picture = formats::picture_kind(entry.bytes) != formats::PictureKind::kNone;
    if (hidden || !(picture || data::has_picture_ending(path))) {
      if (!hidden) {
        add_finding(findings, FindingKind::kLeftOut, "files that are no pictures by their names", entry.name);
      }
      return std::nullopt;
    }
    return Waiting{fmt::format("{}:{}", archive_name, data::readable(entry.name)),
                   {},
                   std::move(entry.bytes),
                   std::move(entry.problem)};
  }

  PictureBatch decode(std::vector<Waiting> waiting) {
    PictureBatch batch;
    batch.pictures = {0, format.height, format.width, format.channels, {}};
    const auto size = static_cast<std::size_t>(batch.pictures.picture_size());
    std::vector<std::uint8_t> pixels(waiting.size() * size);
    std::atomic<std::size_t> next = 0;
    parallel_for(std::min<std::int64_t>(default_threads(), static_cast<std::int64_t>(waiting.size())), 1,
                 [&](std::int64_t, std::int64_t) {
                   for (std::size_t i = next++; i < waiting.size(); i = next++) {
                     decode_one(waiting[i], pixels.data() + i * size);
                   }
                 });
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (!waiting[i].problem.empty()) {
        batch.unread.push_back({waiting[i].name, waiting[i].problem, batch.names.size()});
        continue;
      }
      batch.pictures.pixels.insert(batch.pictures.pixels.end(), pixels.data() + i * size,
                                   pixels.data() + (i + 1) * size);
      batch.names.push_back(waiting[i].name);
      batch.files.push_back(waiting[i].file);
      ++batch.pictures.count;
    }
    return batch;
  }

  void decode_one(Waiting& one, std::uint8_t* to) const {
    if (!one.problem.empty()) {
      return;
    }
    try {
      const formats::Picture picture =
          one.file.empty() ? formats::decode_picture(one.bytes, one.name) : formats::read_picture_file(one.file);
      const formats::Picture result = data::brought_to(picture, format);
      std::copy(result.pixels.begin(), result.pixels.end(), to);
    } catch (const Error& error) {
      one.problem = error.problem();
    }
    one.bytes = {};
  }

  /// Rows of a CSV file that was read as a whole.
  PictureBatch next_rows(std::size_t most) {
    if (!rows) {
      rows = formats::read_csv(inputs[at]);
      row = 0;
      for (const Finding& one : rows->findings) {
        findings.push_back(one);
      }
      if (rows->height != format.height || rows->width != format.width || rows->channels != format.channels) {
        throw Error(ErrorKind::kData, inputs[at].string(), "the rows are of another size than the model takes",
                    {{"rows", fmt::format("{} x {} x {}", rows->height, rows->width, rows->channels)},
                     {"model", fmt::format("{} x {} x {}", format.height, format.width, format.channels)}},
                    "rows of that many pixels");
      }
    }
    PictureBatch batch;
    const std::int64_t count = std::min(static_cast<std::int64_t>(most), rows->count() - row);
    batch.pictures = {count, rows->height, rows->width, rows->channels, {}};
    const std::int64_t size = batch.pictures.picture_size();
    batch.pictures.pixels.assign(rows->pixels.begin() + row * size, rows->pixels.begin() + (row + count) * size);
    for (std::int64_t i = 0; i < count; ++i) {
      batch.names.push_back(fmt::format("{}[{}]", inputs[at].string(), row + i));
      batch.files.emplace_back();
    }
    row += count;
    if (row == rows->count()) {
      rows.reset();
      ++at;
    }
    return batch;
  }

  PictureFormat format;
  std::vector<fs::path> inputs;
  std::set<fs::path> seen;  ///< Folders that were gone through.
  bool counted = true;
  std::size_t at = 0;
  std::optional<formats::ArchiveReader> archive;
  std::string archive_name;
  std::optional<formats::CsvPictures> rows;
  std::int64_t row = 0;
  Findings findings;
};

PictureStream::PictureStream(std::vector<fs::path> inputs, PictureFormat format)
    : impl_(only_errors({}, [&] { return std::make_unique<Impl>(std::move(inputs), std::move(format)); })) {}

PictureStream::~PictureStream() = default;
PictureStream::PictureStream(PictureStream&&) noexcept = default;
PictureStream& PictureStream::operator=(PictureStream&&) noexcept = default;

PictureBatch PictureStream::next(std::size_t most) {
  return only_errors({}, [&] { return impl_->next(most); });
}

std::int64_t PictureStream::total() const {
  return impl_->counted ? static_cast<std::int64_t>(impl_->inputs.size()) : 0;
}

const Findings& PictureStream::findings() const { return impl_->findings; }

bool csv_without_labels(const fs::path& file) { return formats::read_csv(file).labels.empty(); }

}  // namespace lapel
