#include "formats/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <system_error>
#include <utility>

#include "base/limits.h"
#include "formats/bytes.h"
#include "formats/sniff.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

constexpr std::array<std::string_view, 12> kEndings = {".zip", ".tar",    ".tgz",     ".tbz2",   ".txz",     ".7z",
                                                       ".rar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".cbz"};

constexpr std::array kFilters = {archive_read_support_filter_gzip,    archive_read_support_filter_bzip2,
                                 archive_read_support_filter_xz,      archive_read_support_filter_lzma,
                                 archive_read_support_filter_zstd,    archive_read_support_filter_lz4,
                                 archive_read_support_filter_compress};
constexpr std::array kFormats = {archive_read_support_format_zip, archive_read_support_format_tar,
                                 archive_read_support_format_7zip, archive_read_support_format_rar,
                                 archive_read_support_format_rar5};

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
  ArchiveContent content = ArchiveContent::kAll;
  std::uint64_t left = 0;  ///< Bytes that the files may still unpack to.
  std::unique_ptr<archive, FreeArchive> reader;

  /// Counts what a file unpacks to: `size` bytes at `offset`. A file that is too large cannot be passed over, since
  /// that unpacks it as well.
  void take(const std::string& name, std::uint64_t offset, std::uint64_t size) {
    if (offset + size > kMostPictureBytes || size > left) {
      throw Error(ErrorKind::kData, place, fmt::format("the archive unpacks to more than is read"),
                  {{"at", name}, {"read", fmt::format("{} bytes a file", kMostPictureBytes)}}, "the folder unpacked");
    }
    left -= size;
  }
};

ArchiveReader::ArchiveReader(const std::filesystem::path& file, ArchiveContent content)
    : impl_(std::make_unique<Impl>()) {
  constexpr std::size_t kBlock = 1U << 16U;
  impl_->place = file.string();
  impl_->content = content;
  static_cast<void>(read_begin(file, 1));
  std::error_code ignored;
  const std::uintmax_t size = std::filesystem::file_size(file, ignored);
  impl_->left = std::max<std::uint64_t>(kArchiveBytes, kMostUnpackedTimes * (ignored ? 0 : size));
  impl_->reader.reset(archive_read_new());
  // Not all that libarchive knows: some filters start other programs, and one format takes files from anywhere.
  for (const auto support : kFilters) {
    support(impl_->reader.get());
  }
  for (const auto support : kFormats) {
    support(impl_->reader.get());
  }
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
  bool kept = true;  // As far as is known.
  while (true) {
    const int result = archive_read_data_block(reader, &block, &size, &offset);
    if (result == ARCHIVE_EOF) {
      return entry;
    }
    if (result < ARCHIVE_WARN) {
      entry.problem = words_of(reader);
      entry.bytes.clear();
      return entry;
    }
    impl_->take(entry.name, offset < 0 ? kMostPictureBytes : static_cast<std::uint64_t>(offset), size);
    const std::span block_bytes(static_cast<const std::uint8_t*>(block), size);
    if (impl_->content == ArchiveContent::kPictures && entry.bytes.empty() && offset == 0 &&
        picture_kind(block_bytes) == PictureKind::kNone) {
      entry.bytes.assign(block_bytes.begin(), block_bytes.begin() + std::min(size, kSniffedBytes));
      kept = false;
    }
    if (kept) {
      entry.bytes.resize(static_cast<std::size_t>(offset));
      entry.bytes.insert(entry.bytes.end(), block_bytes.begin(), block_bytes.end());
    }
  }
}

bool has_archive_ending(const std::filesystem::path& file) {
  std::string name = file.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace lapel::formats
