#include "data/picture_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "base/memory.h"
#include "base/threads.h"
#include "data/class_names.h"
#include "data/picture_pipeline.h"
#include "formats/sniff.h"
#include "lapel/error.h"

namespace lapel::data {

namespace {

/// Of pictures of several sizes, where nobody says which one.
constexpr std::int64_t kLargestMixed = 224;

/// Calls `body(i)` for every number below `count`, on all threads, until a stop is asked for.
template <class F>
void for_each_picture(std::size_t count, LoadWatch& watch, const F& body) {
  // Threads take the next one each, since pictures differ in what they take.
  std::atomic<std::size_t> next = 0;
  const auto parts =
      static_cast<std::int64_t>(std::min<std::size_t>(count, static_cast<std::size_t>(default_threads())));
  parallel_for(parts, 1, [&](std::int64_t, std::int64_t) {
    for (std::size_t i = next++; i < count && !watch.stopped(); i = next++) {
      body(i);
    }
  });
  watch.check();
}

/// So many zeros, in steps between which a stop is heard: several gigabytes take seconds.
void make_room(std::vector<std::uint8_t>& pixels, std::size_t count, const LoadWatch& watch) {
  constexpr std::size_t kStep = std::size_t{1} << 26U;
  pixels.reserve(count);
  while (pixels.size() < count) {
    pixels.resize(std::min(count, pixels.size() + kStep));
    watch.check();
  }
}

std::int64_t median_of(std::vector<std::int64_t> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

bool is_grey(const formats::PictureHead& head) { return head.channels <= 2; }
bool is_transparent(std::int64_t channels) { return channels % 2 == 0; }

/// The variance of a transparent picture's luma over a ground.
double contrast_over(const formats::Picture& picture, std::uint8_t ground) {
  double sum = 0;
  double squares = 0;
  const auto grey = formats::with_channels(picture, 1, ground).pixels;
  for (const std::uint8_t value : grey) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const auto count = static_cast<double>(grey.size());
  return squares / count - (sum / count) * (sum / count);
}

}  // namespace

void LoadWatch::done_one() {
  constexpr auto kInterval = std::chrono::milliseconds(50);
  const std::int64_t done = ++done_;
  if (!settings_.progress) {
    return;
  }
  const std::unique_lock lock(telling_, std::try_to_lock);
  if (lock.owns_lock() && (done == total_ || Clock::now() - told_ >= kInterval)) {
    told_ = Clock::now();
    settings_.progress({done, total_});
  }
}

void LoadWatch::check() const {
  if (stopped()) {
    std::vector<ErrorFact> facts;
    if (total_ > 0) {
      facts.push_back({"read", fmt::format("{} of {}", done_.load(), total_)});
    }
    throw Error(ErrorKind::kInterrupted, {}, "interrupted while the pictures are read", std::move(facts));
  }
}

void PictureReader::note_failure(const PictureFile& file, const std::string& reason) {
  const std::vector<std::uint8_t> bytes = first_bytes_of(file.file);
  const std::scoped_lock lock(noting_);
  const auto kind = formats::picture_kind(bytes);
  damaged_.emplace(file.file, Damaged{reason, kind == formats::PictureKind::kOther});
}

PictureFormat PictureReader::choose_format(std::span<const PictureFile> files) {
  PictureFormat format{spec_.image_size[0], spec_.image_size[1], spec_.color_mode == "grayscale" ? 1 : 3, spec_.fit,
                       spec_.background == "white" ? "white" : "black"};
  const bool sized = format.height > 0 && format.width > 0;
  if (sized && spec_.color_mode != "auto" && spec_.background != "auto") {
    return format;
  }
  std::vector<formats::PictureHead> heads(files.size());
  for_each_picture(files.size(), watch_, [&](std::size_t i) {
    try {
      heads[i] = formats::read_picture_head(files[i].file);
    } catch (const Error& error) {
      note_failure(files[i], error.problem());
    }
  });
  const auto readable_head = [](const formats::PictureHead& head) { return head.height > 0; };
  if (std::none_of(heads.begin(), heads.end(), readable_head)) {
    check_damaged();
    return format;
  }
  if (spec_.color_mode == "auto") {
    const bool grey = std::all_of(heads.begin(), heads.end(),
                                  [&](const auto& head) { return !readable_head(head) || is_grey(head); });
    format.channels = grey ? 1 : 3;
  }
  if (!sized) {
    choose_size(heads, format);
  }
  choose_background(files, heads, format);
  return format;
}

void PictureReader::choose_size(const std::vector<formats::PictureHead>& heads, PictureFormat& format) {
  std::vector<std::int64_t> heights;
  std::vector<std::int64_t> widths;
  for (const auto& head : heads) {
    if (head.height > 0) {
      heights.push_back(head.height);
      widths.push_back(head.width);
    }
  }
  const auto [least_height, most_height] = std::minmax_element(heights.begin(), heights.end());
  const auto [least_width, most_width] = std::minmax_element(widths.begin(), widths.end());
  const bool same = *least_height == *most_height && *least_width == *most_width;
  const std::string range = same ? fmt::format("all are {} x {}", *least_height, *least_width)
                                 : fmt::format("the middle of theirs, {} x {} to {} x {}", *least_height, *least_width,
                                               *most_height, *most_width);
  format.height = median_of(heights);
  format.width = median_of(widths);
  const std::int64_t most = spec_.largest_size > 0 ? spec_.largest_size
                            : same                 ? std::numeric_limits<std::int64_t>::max()
                                                   : kLargestMixed;
  const std::int64_t longest = std::max(format.height, format.width);
  const bool cut = longest > most;
  if (cut) {
    const auto shrunk = [&](std::int64_t side) {
      return std::max<std::int64_t>(1, (side * most + longest / 2) / longest);
    };
    format.height = shrunk(format.height);
    format.width = shrunk(format.width);
  }
  if (!same || cut) {
    add_remark(findings_, FindingKind::kTaken,
               fmt::format("the pictures are brought to {} x {} ({}; {}at most {}; data.image_size)", format.height,
                           format.width, range, format.fit == "stretch" ? "" : format.fit + "; ",
                           cut || most <= kLargestMixed ? most : longest));
  }
}

void PictureReader::choose_background(std::span<const PictureFile> files,
                                      const std::vector<formats::PictureHead>& heads, PictureFormat& format) {
  constexpr std::size_t kMostLookedAt = 32;
  constexpr double kMoreContrast = 4;  // Of variance: twice the deviation.
  std::vector<std::size_t> transparent;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    if (heads[i].height > 0 && is_transparent(heads[i].channels)) {
      transparent.push_back(i);
    }
  }
  if (spec_.background != "auto" || transparent.empty()) {
    return;
  }
  double black = 0;
  double white = 0;
  const std::size_t looked_at = std::min(kMostLookedAt, transparent.size());
  for (std::size_t i = 0; i < looked_at; ++i) {
    watch_.check();
    const PictureFile& file = files[transparent[i * transparent.size() / looked_at]];
    try {
      const formats::Picture picture = formats::read_picture_file(file.file);
      constexpr std::uint8_t kWhite = 255;
      black += contrast_over(picture, 0);
      white += contrast_over(picture, kWhite);
    } catch (const Error& error) {
      note_failure(file, error.problem());
    }
  }
  format.background = white > kMoreContrast * black ? "white" : "black";
}

void PictureReader::tell(const PictureFile& file, const formats::PictureNotes& notes, const formats::Picture& picture) {
  const bool transparent = is_transparent(picture.channels);
  if (!notes.turned && !notes.colours_converted && !notes.profile_unreadable && !notes.more_frames && !transparent) {
    return;
  }
  const std::scoped_lock lock(noting_);
  const std::string name = folders_.shown(file.file);
  if (notes.turned) {
    add_finding(findings_, FindingKind::kTaken, "pictures turned as their EXIF data say", name);
  }
  if (notes.colours_converted) {
    add_finding(findings_, FindingKind::kTaken, "pictures whose colours are brought to sRGB", name);
  }
  if (notes.profile_unreadable) {
    add_finding(findings_, FindingKind::kWarning, "pictures whose colour profile cannot be used: sRGB is assumed",
                name);
  }
  if (notes.more_frames) {
    add_finding(findings_, FindingKind::kLeftOut, "files of several pictures, of which the first is taken", name);
  }
}

LabeledPictures PictureReader::read(std::vector<PictureFile> files, const PictureFormat& format) {
  LabeledPictures part;
  if (files.empty()) {
    return part;
  }
  part.pictures = {static_cast<std::int64_t>(files.size()), format.height, format.width, format.channels, {}};
  const auto size = static_cast<std::size_t>(part.pictures.picture_size());
  if (files.size() * size >= kWorthChecking) {
    check_memory(std::array{MemoryWish{fmt::format("{} pictures of {} x {} x {}", files.size(), format.height,
                                                   format.width, format.channels),
                                       files.size() * size}},
                 free_memory(), "data.image_size, smaller, or data.limit");
  }
  make_room(part.pictures.pixels, files.size() * size, watch_);
  std::vector<char> there(files.size(), 0);
  std::atomic<std::int64_t> transparent = 0;
  for_each_picture(files.size(), watch_, [&](std::size_t i) {
    try {
      formats::PictureNotes notes;
      const formats::Picture picture = formats::read_picture_file(files[i].file, &notes);
      tell(files[i], notes, picture);
      transparent += is_transparent(picture.channels) ? 1 : 0;
      const formats::Picture result = brought_to(picture, format);
      std::copy(result.pixels.begin(), result.pixels.end(), part.pictures.pixels.data() + i * size);
      there[i] = 1;
    } catch (const Error& error) {
      note_failure(files[i], error.problem());
    }
    watch_.done_one();
  });
  if (transparent > 0) {
    add_finding(findings_, FindingKind::kTaken,
                fmt::format("transparent pictures, blended over {} (data.background)", format.background), {},
                transparent);
  }
  check_damaged();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (there[i] == 0) {
      continue;
    }
    if (kept != i) {
      std::copy_n(part.pictures.pixels.data() + i * size, size, part.pictures.pixels.data() + kept * size);
    }
    part.labels.push_back(files[i].label);
    ++kept;
  }
  part.pictures.count = static_cast<std::int64_t>(kept);
  part.pictures.pixels.resize(kept * size);
  return part;
}

void PictureReader::check_damaged() {
  std::vector<std::pair<std::filesystem::path, std::string>> damaged;
  for (const auto& [file, failure] : damaged_) {
    if (failure.other_kind) {
      folders_.move_to_left_out({file, 0});
      add_finding(findings_, FindingKind::kLeftOut,
                  fmt::format("pictures of a kind that is not read (read are {})", formats::kReadFormats),
                  folders_.shown(file));
    } else if (folders_.ignored().holds_damaged()) {
      add_finding(findings_, FindingKind::kLeftOut, "damaged pictures, as data.ignore allows", folders_.shown(file));
    } else {
      damaged.emplace_back(file, failure.reason);
    }
  }
  damaged_.clear();
  folders_.check_shares();
  if (damaged.empty()) {
    return;
  }
  constexpr std::string_view kAccept = "a fresh copy, or --set 'data.ignore=[\"damaged\"]'";
  if (damaged.size() == 1) {
    throw Error(ErrorKind::kData, readable(damaged.front().first.string()), damaged.front().second, {},
                std::string(kAccept));
  }
  std::string names;
  for (const auto& [file, reason] : damaged) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", folders_.shown(file));
  }
  throw Error(ErrorKind::kData, readable(damaged.front().first.string()),
              fmt::format("{}; {} pictures in all cannot be read", damaged.front().second, damaged.size()),
              {{"they are", std::move(names)}}, std::string(kAccept));
}

}  // namespace lapel::data
