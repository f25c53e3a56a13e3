#include "formats/sniff.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace lapel::formats {

namespace {

using namespace std::string_view_literals;

struct Signature {
  std::string_view bytes;
  std::string_view words;
  PictureKind kind = PictureKind::kNone;
  std::size_t at = 0;           ///< Where in the file the bytes are.
  std::string_view first = {};  ///< What the file begins with besides.
};

constexpr std::array kSignatures = {
    Signature{"\x89PNG\r\n\x1a\n"sv, "a PNG picture", PictureKind::kPng},
    Signature{"\xff\xd8\xff"sv, "a JPEG picture", PictureKind::kJpeg},
    Signature{"WEBP"sv, "a WebP picture", PictureKind::kWebp, 8, "RIFF"sv},
    Signature{"GIF8"sv, "a GIF picture", PictureKind::kGif},
    Signature{"\0\0\0\0"sv, "a BMP picture", PictureKind::kBmp, 6, "BM"sv},
    Signature{"CR\x02"sv, "a raw photograph (CR2)", PictureKind::kOther, 8},
    Signature{"II*\0"sv, "a TIFF picture", PictureKind::kTiff},
    Signature{"MM\0*"sv, "a TIFF picture", PictureKind::kTiff},
    Signature{"ftypheic"sv, "a HEIC picture", PictureKind::kOther, 4},
    Signature{"ftypheix"sv, "a HEIC picture", PictureKind::kOther, 4},
    Signature{"ftypmif1"sv, "a HEIF picture", PictureKind::kOther, 4},
    Signature{"ftypavif"sv, "an AVIF picture", PictureKind::kOther, 4},
    Signature{"\0\0\0\x0cjP  "sv, "a JPEG 2000 picture", PictureKind::kOther},
    Signature{"\xff\x4f\xff\x51"sv, "a JPEG 2000 picture", PictureKind::kOther},
    Signature{"\xff\x0a"sv, "a JPEG XL picture", PictureKind::kOther},
    Signature{"\0\0\0\x0cJXL "sv, "a JPEG XL picture", PictureKind::kOther},
    Signature{"8BPS"sv, "a Photoshop picture", PictureKind::kOther},
    Signature{"DICM"sv, "a DICOM picture", PictureKind::kOther, 128},
    Signature{"P2\n"sv, "a PGM picture", PictureKind::kOther},
    Signature{"P3\n"sv, "a PPM picture", PictureKind::kOther},
    Signature{"P4\n"sv, "a PBM picture", PictureKind::kOther},
    Signature{"P5\n"sv, "a PGM picture", PictureKind::kOther},
    Signature{"P6\n"sv, "a PPM picture", PictureKind::kOther},
    Signature{"\0\0\x01\0"sv, "an icon (ICO)", PictureKind::kOther},
    Signature{"<svg"sv, "an SVG drawing", PictureKind::kOther},
    Signature{"\x1f\x8b"sv, "gzip data (packed twice?)"},
    Signature{"PK\x03\x04"sv, "a zip archive"},
    Signature{"PAR1"sv, "a Parquet file"},
    Signature{"\x89HDF\r\n\x1a\n"sv, "an HDF5 file"},
    Signature{"RIFF"sv, "a RIFF file"},
    Signature{"%PDF"sv, "a PDF document"},
    Signature{"\x93NUMPY"sv, "a NumPy array"},
    Signature{"MATLAB 5.0"sv, "a MATLAB file"},
    Signature{"\x80\x02"sv, "a Python pickle"},
    Signature{"\x80\x03"sv, "a Python pickle"},
    Signature{"\x80\x04\x95"sv, "a Python pickle"},
    Signature{"\x80\x05\x95"sv, "a Python pickle"},
    Signature{"ARROW1"sv, "an Arrow file"},
    Signature{"\0\0\x08\x01"sv, "IDX labels"},
    Signature{"\0\0\x08\x03"sv, "IDX pictures"},
};

bool has(std::span<const std::uint8_t> bytes, const Signature& signature) {
  const auto same = [](char wanted, std::uint8_t byte) { return static_cast<std::uint8_t>(wanted) == byte; };
  const auto is_at = [&](std::size_t at, std::string_view wanted) {
    return bytes.size() >= at + wanted.size() &&
           std::equal(wanted.begin(), wanted.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at), same);
  };
  return is_at(signature.at, signature.bytes) && is_at(0, signature.first);
}

/// The first signature that the bytes have; null if there is none.
const Signature* signature_of(std::span<const std::uint8_t> bytes) {
  const auto found =
      std::find_if(kSignatures.begin(), kSignatures.end(), [&](const Signature& one) { return has(bytes, one); });
  return found == kSignatures.end() ? nullptr : &*found;
}

bool is_text(std::uint8_t byte) {
  return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\r' || byte == '\t';
}

}  // namespace

PictureKind picture_kind(std::span<const std::uint8_t> bytes) {
  const Signature* signature = signature_of(bytes);
  return signature == nullptr ? PictureKind::kNone : signature->kind;
}

std::string looks_like(std::span<const std::uint8_t> bytes) {
  if (const Signature* signature = signature_of(bytes)) {
    return std::string(signature->words);
  }
  constexpr std::size_t kSample = 16;
  const auto sample = bytes.first(std::min(kSample, bytes.size()));
  if (sample.size() < 4 || !std::all_of(sample.begin(), sample.end(), is_text)) {
    return {};
  }
  std::string line;
  for (const std::uint8_t byte : sample) {
    if (byte == '\n' || byte == '\r') {
      break;
    }
    line += byte == '\t' ? ' ' : static_cast<char>(byte);
  }
  return fmt::format("text (\"{}\")", line);
}

std::string first_bytes(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t kMost = 4;
  return bytes.empty() ? "nothing" : fmt::format("{:02x}", fmt::join(bytes.first(std::min(kMost, bytes.size())), " "));
}

}  // namespace lapel::formats
