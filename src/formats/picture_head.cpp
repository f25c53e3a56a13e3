#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "formats/bytes.h"
#include "formats/orientation.h"
#include "formats/picture.h"
#include "formats/sniff.h"

namespace lapel::formats {

namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint32_t big_endian(std::span<const std::uint8_t> bytes) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : bytes) {
    value = value << 8U | byte;
  }
  return value;
}

/// A file of which parts are read, nearly always within its first bytes: one call of the system for all of them.
class PartReader {
 public:
  /// A pipe, a device or the like is refused, and not waited for.
  explicit PartReader(const std::filesystem::path& file)
      : descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat info {};
    if (descriptor_ >= 0 && ::fstat(descriptor_, &info) == 0 && !S_ISREG(info.st_mode)) {
      ::close(descriptor_);
      descriptor_ = -1;
      static_cast<void>(read_begin(file, 1));  // Throws.
    }
  }
  ~PartReader() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }
  PartReader(const PartReader&) = delete;
  PartReader& operator=(const PartReader&) = delete;

  /// The next `count` bytes; fewer at the end of the file.
  Bytes take(std::size_t count) {
    if (at_ < begin_ || at_ + count > begin_ + held_.size()) {
      fill(std::max(count, kBlock));
    }
    const std::size_t first = std::min(at_ - begin_, held_.size());
    const std::size_t taken = std::min(count, held_.size() - first);
    good_ = taken == count;
    at_ += taken;
    const auto from = held_.begin() + static_cast<std::ptrdiff_t>(first);
    return {from, from + static_cast<std::ptrdiff_t>(taken)};
  }
  void pass_over(std::uint32_t count) { at_ += count; }
  [[nodiscard]] bool good() const { return good_; }

 private:
  static constexpr std::size_t kBlock = 4096;

  void fill(std::size_t count) {
    begin_ = at_;
    held_.resize(count);
    std::size_t read = 0;
    while (descriptor_ >= 0 && read < count) {
      const ssize_t got = ::pread(descriptor_, held_.data() + read, count - read, static_cast<off_t>(begin_ + read));
      if (got <= 0) {
        break;
      }
      read += static_cast<std::size_t>(got);
    }
    held_.resize(read);
  }

  int descriptor_;
  bool good_ = true;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;
  Bytes held_;
};

/// Height and width as they are seen.
PictureHead turned(PictureHead head, int orientation) {
  if (lies_on_its_side(orientation)) {
    std::swap(head.height, head.width);
  }
  return head;
}

/// From the chunks before the pixels (PNG specification, 11.2 and 11.3).
std::optional<PictureHead> png_head(PartReader& reader) {
  constexpr std::size_t kChunkHead = 8;
  constexpr std::uint32_t kCheck = 4;
  constexpr std::size_t kMostExif = std::size_t{1} << 20U;
  constexpr std::array<std::int64_t, 7> kChannels = {1, 0, 3, 3, 2, 0, 4};
  std::optional<PictureHead> head;
  int orientation = 1;
  while (reader.good()) {
    const Bytes chunk = reader.take(kChunkHead);
    if (chunk.size() < kChunkHead) {
      return std::nullopt;
    }
    const std::uint32_t length = big_endian(std::span(chunk).first(4));
    const std::string_view name(reinterpret_cast<const char*>(chunk.data()) + 4, 4);
    if (name == "IHDR" && length == 13) {
      const Bytes body = reader.take(length);
      if (body.size() < length || body[9] >= kChannels.size()) {
        return std::nullopt;
      }
      head = PictureHead{big_endian(std::span(body).subspan(4, 4)), big_endian(std::span(body).first(4)),
                         kChannels.at(body[9])};
    } else if (name == "eXIf" && length <= kMostExif) {
      orientation = exif_orientation(reader.take(length));
    } else if (name == "IDAT" || name == "IEND") {
      return head ? std::optional(turned(*head, orientation)) : std::nullopt;
    } else {
      if (name == "tRNS" && head && head->channels % 2 == 1) {
        ++head->channels;
      }
      reader.pass_over(length);
    }
    reader.pass_over(kCheck);
  }
  return std::nullopt;
}

/// From the segments before the scan (ITU-T T.81, B.1 and B.2); nothing where bytes fill the space between them.
std::optional<PictureHead> jpeg_head(PartReader& reader) {
  constexpr std::uint8_t kExif = 0xe1;
  int orientation = 1;
  while (reader.good()) {
    const Bytes marker = reader.take(2);
    const Bytes length_bytes = reader.take(2);
    if (marker.size() < 2 || marker[0] != 0xff || length_bytes.size() < 2) {
      return std::nullopt;
    }
    const std::uint32_t length = big_endian(length_bytes);
    const std::uint8_t kind = marker[1];
    if (length < 2 || kind == 0xda) {
      return std::nullopt;
    }
    const bool frame = kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc;
    if (frame || kind == kExif) {
      const Bytes body = reader.take(length - 2);
      if (body.size() < length - 2) {
        return std::nullopt;
      }
      if (!frame) {
        constexpr std::string_view kBegin("Exif\0\0", 6);
        const bool exif = body.size() > kBegin.size() && std::equal(kBegin.begin(), kBegin.end(), body.begin());
        orientation = exif && orientation == 1 ? exif_orientation(body) : orientation;
        continue;
      }
      constexpr std::size_t kLeast = 6;
      if (body.size() < kLeast) {
        return std::nullopt;
      }
      return turned(
          {big_endian(std::span(body).subspan(1, 2)), big_endian(std::span(body).subspan(3, 2)), body[5] == 1 ? 1 : 3},
          orientation);
    }
    reader.pass_over(length - 2);
  }
  return std::nullopt;
}

}  // namespace

PictureHead read_picture_head(const std::filesystem::path& file) {
  constexpr std::size_t kPngSignature = 8;
  constexpr std::size_t kJpegSignature = 2;
  PartReader reader(file);
  Bytes begin = reader.take(kJpegSignature);
  std::optional<PictureHead> head;
  if (begin == Bytes{0xff, 0xd8}) {
    head = jpeg_head(reader);
  } else {
    const Bytes rest = reader.take(kPngSignature - kJpegSignature);
    begin.insert(begin.end(), rest.begin(), rest.end());
    head = picture_kind(begin) == PictureKind::kPng ? png_head(reader) : std::nullopt;
  }
  if (!head || head->height < 1 || head->width < 1) {
    const Picture whole = read_picture_file(file);
    head = PictureHead{whole.height, whole.width, whole.channels};
  }
  return *head;
}

}  // namespace lapel::formats
