#include "formats/gzip.h"

#include <fmt/format.h>
#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>

#include "base/limits.h"
#include "lapel/error.h"

namespace lapel::formats {

namespace {

// No deflate data unpack to more than this many times their size (zlib's "Maximally Compressing" figure, rounded up).
constexpr std::size_t kMostExpansion = 1040;
constexpr std::size_t kTrailerBytes = 8;
constexpr std::size_t kLeastRoom = 64;
constexpr const char* kFreshCopy = "a fresh copy of the file";

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
};

class InflateStream {
 public:
  InflateStream() {
    constexpr int kGzipWindow = 15 + 16;
    if (inflateInit2(&stream_, kGzipWindow) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~InflateStream() { inflateEnd(&stream_); }
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;
  z_stream* operator->() { return &stream_; }
  z_stream* get() { return &stream_; }

 private:
  z_stream stream_{};
};

/// The size that the last member's trailer promises, as far as it is possible: a damaged trailer promises anything.
std::size_t promised_size(std::span<const std::uint8_t> bytes, std::size_t most) {
  std::size_t size = 0;
  if (bytes.size() >= kTrailerBytes) {
    const auto last = bytes.last(4);
    size = last[0] | std::size_t{last[1]} << 8U | std::size_t{last[2]} << 16U | std::size_t{last[3]} << 24U;
  }
  return std::min(most, std::max(kLeastRoom, std::min(size, bytes.size() * kMostExpansion)));
}

/// The first bytes that the data unpack to; fewer where they are damaged.
std::vector<std::uint8_t> first_unpacked(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kFirst = 4096;
  InflateStream stream;
  std::vector<std::uint8_t> first(kFirst);
  stream->next_in = const_cast<Bytef*>(bytes.data());  // zlib 1.2 declares its input without const
  stream->avail_in = static_cast<uInt>(std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max()));
  stream->next_out = first.data();
  stream->avail_out = static_cast<uInt>(first.size());
  static_cast<void>(inflate(stream.get(), Z_SYNC_FLUSH));
  first.resize(first.size() - stream->avail_out);
  return first;
}

/// A file of a few bytes can unpack to a thousand times as much.
[[noreturn]] void refuse_size(const std::string& place, std::size_t packed, std::uint64_t most) {
  throw Error(ErrorKind::kData, place, fmt::format("the gzip data unpack to more than {} bytes", most),
              {{"packed", fmt::format("{} bytes", packed)}}, "gunzip, if they are what they should be");
}

std::string position(std::size_t at, std::size_t of) { return fmt::format("byte {} of {}", at, of); }

/// Says what is wrong with the member at `begin`, after `unpacked` bytes of members before it. libdeflate only knows
/// that something is; zlib is slower and keeps count.
[[noreturn]] void explain_damage(std::span<const std::uint8_t> bytes, std::size_t begin, std::size_t unpacked,
                                 const std::string& place) {
  InflateStream stream;
  std::vector<std::uint8_t> scratch(std::size_t{1} << 16U);
  std::span<const std::uint8_t> rest = bytes.subspan(begin);
  std::size_t read = begin;
  int result = Z_OK;
  while (result == Z_OK) {
    constexpr std::size_t kMostAtOnce = std::numeric_limits<uInt>::max();
    const std::size_t room = scratch.size();
    const std::size_t offered = std::min(rest.size(), kMostAtOnce);
    stream->next_in = const_cast<Bytef*>(rest.data());  // zlib 1.2 declares its input without const
    stream->avail_in = static_cast<uInt>(offered);
    stream->next_out = scratch.data();
    stream->avail_out = static_cast<uInt>(room);
    result = inflate(stream.get(), Z_NO_FLUSH);
    const std::size_t taken = offered - stream->avail_in;
    rest = rest.subspan(taken);
    read += taken;
    unpacked += room - stream->avail_out;
  }
  const ErrorFact so_far{"unpacked", fmt::format("{} bytes", unpacked)};
  if (result == Z_BUF_ERROR) {
    throw Error(ErrorKind::kData, place, "the gzip data end early",
                {{"read", fmt::format("all {} bytes", bytes.size())}, so_far}, kFreshCopy);
  }
  const std::string words = stream->msg != nullptr ? fmt::format(": {}", stream->msg) : std::string();
  throw Error(ErrorKind::kData, place, "the gzip data are damaged" + words,
              {{"at", position(read, bytes.size())}, so_far}, kFreshCopy);
}

}  // namespace

bool is_gzip(std::span<const std::uint8_t> bytes) { return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

std::vector<std::uint8_t> gunzip(std::span<const std::uint8_t> bytes, const std::string& place,
                                 const ReadLimits& limits) {
  if (limits.look) {
    limits.look(first_unpacked(bytes), std::nullopt);
  }
  const std::uint64_t most =
      std::min(limits.most, std::max<std::uint64_t>(kUnpackedBytes, kMostUnpackedTimes * bytes.size()));
  const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(libdeflate_alloc_decompressor());
  if (!decompressor) {
    throw std::bad_alloc();
  }
  std::vector<std::uint8_t> unpacked(promised_size(bytes, most));
  std::size_t read = 0;
  std::size_t written = 0;
  while (read < bytes.size()) {
    const auto rest = bytes.subspan(read);
    if (read > 0 && !is_gzip(rest)) {
      if (std::all_of(rest.begin(), rest.end(), [](std::uint8_t byte) { return byte == 0; })) {
        break;
      }
      throw Error(ErrorKind::kData, place, "something else follows the gzip data",
                  {{"at", position(read, bytes.size())}}, kFreshCopy);
    }
    std::size_t taken = 0;
    std::size_t made = 0;
    const auto result =
        libdeflate_gzip_decompress_ex(decompressor.get(), rest.data(), rest.size(), unpacked.data() + written,
                                      unpacked.size() - written, &taken, &made);
    if (result == LIBDEFLATE_INSUFFICIENT_SPACE) {
      if (unpacked.size() >= most) {
        refuse_size(place, bytes.size(), most);
      }
      unpacked.resize(std::min<std::uint64_t>(unpacked.size() * 2, most));
      continue;
    }
    if (result != LIBDEFLATE_SUCCESS) {
      explain_damage(bytes, read, written, place);
    }
    read += taken;
    written += made;
  }
  unpacked.resize(written);
  return unpacked;
}

}  // namespace lapel::formats
