#include "whole_file.h"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "lapel/error.h"

namespace lapel::app {

namespace fs = std::filesystem;

WholeFile::~WholeFile() {
  if (stream_.is_open()) {
    stream_.close();
    std::error_code ignored;
    fs::remove(partial_, ignored);
  }
}

void WholeFile::refuse(const std::string& problem) const {
  throw Error(ErrorKind::kIo, file_, problem, {}, "a file in a folder that exists and has room");
}

void WholeFile::open(const std::string& file) {
  file_ = file;
  std::error_code ignored;
  const fs::file_status there = fs::status(file, ignored);
  const bool as_it_is = fs::exists(there) && !fs::is_regular_file(there);
  partial_ = as_it_is ? std::string() : file + ".partial";
  fs::remove(partial_, ignored);  // Left by a kill; or a link, which is not to be followed.
  errno = 0;
  stream_.open(as_it_is ? file : partial_, std::ios::binary | std::ios::trunc);
  if (!stream_) {
    refuse("cannot be written: " + std::generic_category().message(errno == 0 ? EIO : errno));
  }
}

void WholeFile::write(std::string_view text) {
  errno = 0;
  stream_ << text;
  if (!stream_) {
    refuse("cannot be written to the end: " + std::generic_category().message(errno == 0 ? EIO : errno));
  }
}

void WholeFile::finish() {
  if (!stream_.is_open()) {
    return;
  }
  errno = 0;
  stream_.flush();
  const bool whole = static_cast<bool>(stream_);
  const int reason = errno == 0 ? EIO : errno;
  stream_.close();
  std::error_code failure;
  if (whole && stream_ && !partial_.empty()) {
    fs::rename(partial_, file_, failure);
  }
  if (!whole || !stream_ || failure) {
    std::error_code ignored;
    fs::remove(partial_, ignored);
    refuse("cannot be written to the end: " +
           (failure ? failure : std::error_code(reason, std::generic_category())).message());
  }
}

}  // namespace lapel::app
