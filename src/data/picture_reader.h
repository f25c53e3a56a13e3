#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "data/picture_files.h"
#include "formats/picture.h"
#include "lapel/data.h"

namespace lapel::data {

/// Tells how far a loading has come, and hears when it is to stop.
class LoadWatch {
 public:
  explicit LoadWatch(const LoadSettings& settings) : settings_(settings) {}
  void add_total(std::int64_t pictures) { total_ += pictures; }
  /// One more is done. Any thread may call it.
  void done_one();
  [[nodiscard]] bool stopped() const { return settings_.stop.stop_requested(); }
  /// Throws Error (kInterrupted) where a stop was asked for.
  void check() const;

 private:
  using Clock = std::chrono::steady_clock;

  const LoadSettings& settings_;
  std::int64_t total_ = 0;
  std::atomic<std::int64_t> done_ = 0;
  std::mutex telling_;
  Clock::time_point told_ = Clock::now();
};

/// Reads the pictures of a data set: first what their files' heads say, from which the form of all is chosen, then the
/// pictures, each straight into its place.
class PictureReader {
 public:
  PictureReader(const DataSpec& spec, LoadWatch& watch, ClassFolders& folders, Findings& findings)
      : spec_(spec), watch_(watch), folders_(folders), findings_(findings) {}

  /// The form that the spec asks for, and where it leaves something open, that of these pictures: size and colours, and
  /// the background over which the transparent ones have contrast.
  [[nodiscard]] PictureFormat choose_format(std::span<const PictureFile> files);

  /// Reads them all. Files that cannot be read are an Error (kData) that lists them, or left out where `data.ignore`
  /// says so; kinds that are not read are left out.
  [[nodiscard]] LabeledPictures read(std::vector<PictureFile> files, const PictureFormat& format);

  /// Throws Error (kData) for pictures that cannot be read, all of them named, unless `data.ignore` accepts them.
  void check_damaged();

 private:
  struct Damaged {
    std::string reason;
    bool other_kind = false;  ///< A picture, but of a kind that is not read.
  };

  void note_failure(const PictureFile& file, const std::string& reason);
  void choose_size(const std::vector<formats::PictureHead>& heads, PictureFormat& format);
  void choose_background(std::span<const PictureFile> files, const std::vector<formats::PictureHead>& heads,
                         PictureFormat& format);
  void tell(const PictureFile& file, const formats::PictureNotes& notes, const formats::Picture& picture);

  const DataSpec& spec_;
  LoadWatch& watch_;
  ClassFolders& folders_;
  Findings& findings_;
  std::mutex noting_;
  std::map<std::filesystem::path, Damaged> damaged_;
};

}  // namespace lapel::data
