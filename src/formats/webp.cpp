#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>

#include "formats/codecs.h"
#include "formats/orientation.h"

namespace lapel::formats {

namespace {

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
struct DeleteAnimation {
  void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

/// The bytes of a chunk beside the pixels; empty where there is none.
std::vector<std::uint8_t> chunk_of(const WebPDemuxer* demuxer, const char* name) {
  WebPChunkIterator chunk{};
  std::vector<std::uint8_t> bytes;
  if (WebPDemuxGetChunk(demuxer, name, 1, &chunk) != 0) {
    bytes.assign(chunk.chunk.bytes, chunk.chunk.bytes + chunk.chunk.size);
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return bytes;
}

/// The first picture of an animation, RGBA.
void decode_first(const WebPData& data, Picture& picture, const std::string& place) {
  WebPAnimDecoderOptions options{};
  WebPAnimDecoderOptionsInit(&options);
  const std::unique_ptr<WebPAnimDecoder, DeleteAnimation> decoder(WebPAnimDecoderNew(&data, &options));
  std::uint8_t* pixels = nullptr;
  int time = 0;
  if (decoder == nullptr || WebPAnimDecoderGetNext(decoder.get(), &pixels, &time) == 0) {
    refuse_damaged(place, "WebP", "the first picture of the animation cannot be decoded");
  }
  std::copy_n(pixels, picture.pixels.size(), picture.pixels.begin());
}

}  // namespace

RawPicture decode_webp(std::span<const std::uint8_t> bytes, const std::string& place) {
  const WebPData data{bytes.data(), bytes.size()};
  const std::unique_ptr<WebPDemuxer, DeleteDemuxer> demuxer(WebPDemux(&data));
  WebPBitstreamFeatures features{};
  if (demuxer == nullptr || WebPGetFeatures(bytes.data(), bytes.size(), &features) != VP8_STATUS_OK) {
    refuse_damaged(place, "WebP", "the file is not whole");
  }
  RawPicture raw;
  raw.profile = chunk_of(demuxer.get(), "ICCP");
  raw.orientation = exif_orientation(chunk_of(demuxer.get(), "EXIF"));
  raw.more_frames = features.has_animation != 0;
  const std::int64_t channels = raw.more_frames || features.has_alpha != 0 ? 4 : 3;
  raw.picture = blank_picture(features.height, features.width, channels, place);
  if (raw.more_frames) {
    decode_first(data, raw.picture, place);
    return raw;
  }
  const int stride = static_cast<int>(features.width * channels);
  const auto decode = channels == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode(bytes.data(), bytes.size(), raw.picture.pixels.data(), raw.picture.pixels.size(), stride) == nullptr) {
    refuse_damaged(place, "WebP", "the pixels cannot be decoded");
  }
  return raw;
}

}  // namespace lapel::formats
