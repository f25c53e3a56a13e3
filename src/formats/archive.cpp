#include "formats/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "lapel/error.h"

namespace lapel::formats {

namespace {

constexpr std::array<std::string_view, 12> kEndings = {".zip", ".tar",    ".tgz",     ".tbz2",   ".txz",     ".7z",
                                                       ".rar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".cbz"};

/// No picture is larger; a file of an archive may claim anything.
constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

std::string words_of(archive* reader) {
  const char* words = archive_error_string(reader);
  return words == nullptr ? "it is no archive" : words;
}

}  // namespace

struct ArchiveReader::Impl {
  std::string place;
  std::unique_ptr<archive, FreeArchive> reader;
};

ArchiveReader::ArchiveReader(const std::filesystem::path& file) : impl_(std::make_unique<Impl>()) {
  constexpr std::size_t kBlock = 1U << 16U;
  impl_->place = file.string();
  impl_->reader.reset(archive_read_new());
  archive_read_support_filter_all(impl_->reader.get());
  archive_read_support_format_all(impl_->reader.get());
  if (archive_read_open_filename(impl_->reader.get(), file.c_str(), kBlock) != ARCHIVE_OK) {
    throw Error(ErrorKind::kData, impl_->place, "cannot be read as an archive: " + words_of(impl_->reader.get()), {},
                "a zip or tar file, or the folder unpacked");
  }
}

ArchiveReader::~ArchiveReader() = default;
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader& ArchiveReader::operator=(ArchiveReader&&) noexcept = default;

std::optional<ArchiveEntry> ArchiveReader::next() {
  archive* const reader = impl_->reader.get();
  archive_entry* head = nullptr;
  while (true) {
    const int result = archive_read_next_header(reader, &head);
    if (result == ARCHIVE_EOF) {
      return std::nullopt;
    }
    if (result < ARCHIVE_WARN) {
      throw Error(ErrorKind::kData, impl_->place, "the archive is damaged: " + words_of(reader), {},
                  "a fresh copy of the file");
    }
    if (archive_entry_filetype(head) == AE_IFREG) {
      break;
    }
  }
  const char* name = archive_entry_pathname_utf8(head);
  name = name == nullptr ? archive_entry_pathname(head) : name;
  ArchiveEntry entry{name == nullptr ? "?" : name, {}, {}};
  const void* block = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  while (true) {
    const int result = archive_read_data_block(reader, &block, &size, &offset);
    if (result == ARCHIVE_EOF) {
      return entry;
    }
    if (result < ARCHIVE_WARN || offset + static_cast<std::int64_t>(size) > kMostBytes) {
      entry.problem = result < ARCHIVE_WARN ? words_of(reader) : "the file is larger than a gigabyte";
      entry.bytes.clear();
      return entry;
    }
    const auto* bytes = static_cast<const std::uint8_t*>(block);
    entry.bytes.resize(static_cast<std::size_t>(offset));
    entry.bytes.insert(entry.bytes.end(), bytes, bytes + size);
  }
}

bool has_archive_ending(const std::filesystem::path& file) {
  std::string name = file.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace lapel::formats
