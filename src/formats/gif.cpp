#include <gif_lib.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

#include "formats/codecs.h"

namespace lapel::formats {

namespace {

struct CloseGif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

int read_bytes(GifFileType* gif, GifByteType* to, int count) {
  auto* rest = static_cast<std::span<const std::uint8_t>*>(gif->UserData);
  const std::size_t taken = std::min(rest->size(), static_cast<std::size_t>(count));
  std::memcpy(to, rest->data(), taken);
  *rest = rest->subspan(taken);
  return static_cast<int>(taken);
}

/// One picture of the file: where it lies on the canvas, and its pixels as places in the table of colours.
class GifReader {
 public:
  GifReader(std::span<const std::uint8_t> bytes, const std::string& place) : rest_(bytes), place_(place) {
    int problem = 0;
    gif_.reset(DGifOpen(&rest_, read_bytes, &problem));
    if (gif_ == nullptr) {
      refuse(problem);
    }
  }

  RawPicture read() {
    RawPicture raw;
    raw.picture = blank_picture(std::max(1, gif_->SHeight), std::max(1, gif_->SWidth), 4, place_);
    if (next_picture()) {
      read_picture(raw.picture);
      raw.more_frames = next_picture();
    } else {
      refuse_damaged(place_, "GIF", "there is no picture in it");
    }
    drop_alpha(raw.picture);
    return raw;
  }

 private:
  [[noreturn]] void refuse(int problem) const {
    const char* words = GifErrorString(problem);
    refuse_damaged(place_, "GIF", words == nullptr ? "the file is not whole" : words);
  }
  void check(int result) const {
    if (result == GIF_ERROR) {
      refuse(gif_->Error);
    }
  }

  /// Goes to the next picture, and notes which colour of it is transparent; false at the end of the file.
  bool next_picture() {
    transparent_ = NO_TRANSPARENT_COLOR;
    while (true) {
      GifRecordType record = UNDEFINED_RECORD_TYPE;
      check(DGifGetRecordType(gif_.get(), &record));
      if (record == TERMINATE_RECORD_TYPE) {
        return false;
      }
      if (record == IMAGE_DESC_RECORD_TYPE) {
        check(DGifGetImageDesc(gif_.get()));
        return true;
      }
      if (record == EXTENSION_RECORD_TYPE) {
        read_extension();
      }
    }
  }

  void read_extension() {
    int code = 0;
    GifByteType* block = nullptr;
    check(DGifGetExtension(gif_.get(), &code, &block));
    GraphicsControlBlock control{};
    if (code == GRAPHICS_EXT_FUNC_CODE && block != nullptr &&
        DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
      transparent_ = control.TransparentColor;
    }
    while (block != nullptr) {
      check(DGifGetExtensionNext(gif_.get(), &block));
    }
  }

  void read_picture(Picture& canvas) {
    const GifImageDesc& at = gif_->Image;
    const ColorMapObject* colours = at.ColorMap != nullptr ? at.ColorMap : gif_->SColorMap;
    if (colours == nullptr) {
      refuse_damaged(place_, "GIF", "there is no table of colours");
    }
    if (std::int64_t{at.Width} * at.Height > kMostPixels) {
      refuse_damaged(place_, "GIF", "its first picture has more pixels than are read");
    }
    std::vector<GifPixelType> line(static_cast<std::size_t>(std::max(1, at.Width)));
    for (const int row : rows(at)) {
      check(DGifGetLine(gif_.get(), line.data(), at.Width));
      for (int x = 0; x < at.Width; ++x) {
        put(canvas, at.Top + row, at.Left + x, line[static_cast<std::size_t>(x)], *colours);
      }
    }
  }

  /// The rows in the order in which the file has them.
  static std::vector<int> rows(const GifImageDesc& at) {
    std::vector<int> order;
    constexpr int kPasses = 4;
    constexpr int kFirst[kPasses] = {0, 4, 2, 1};
    constexpr int kStep[kPasses] = {8, 8, 4, 2};
    for (int pass = 0; pass < (at.Interlace ? kPasses : 1); ++pass) {
      for (int row = at.Interlace ? kFirst[pass] : 0; row < at.Height; row += at.Interlace ? kStep[pass] : 1) {
        order.push_back(row);
      }
    }
    return order;
  }

  void put(Picture& canvas, int y, int x, int index, const ColorMapObject& colours) const {
    if (y >= canvas.height || x >= canvas.width || index == transparent_ || index >= colours.ColorCount) {
      return;
    }
    const GifColorType& colour = colours.Colors[index];
    std::uint8_t* to = canvas.pixels.data() + (y * canvas.width + x) * 4;
    to[0] = colour.Red;
    to[1] = colour.Green;
    to[2] = colour.Blue;
    to[3] = 255;
  }

  /// RGB, where every pixel is opaque.
  static void drop_alpha(Picture& picture) {
    for (std::size_t at = 3; at < picture.pixels.size(); at += 4) {
      if (picture.pixels[at] != 255) {
        return;
      }
    }
    std::size_t to = 0;
    for (std::size_t at = 0; at < picture.pixels.size(); ++at) {
      if (at % 4 != 3) {
        picture.pixels[to++] = picture.pixels[at];
      }
    }
    picture.pixels.resize(to);
    picture.channels = 3;
  }

  std::span<const std::uint8_t> rest_;
  const std::string& place_;
  std::unique_ptr<GifFileType, CloseGif> gif_;
  int transparent_ = NO_TRANSPARENT_COLOR;
};

}  // namespace

RawPicture decode_gif(std::span<const std::uint8_t> bytes, const std::string& place) {
  return GifReader(bytes, place).read();
}

}  // namespace lapel::formats
