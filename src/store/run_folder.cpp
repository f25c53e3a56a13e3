#include "store/run_folder.h"

#include <fmt/format.h>

#include <system_error>
#include <utility>
#include <vector>

#include "formats/bytes.h"
#include "lapel/error.h"
#include "store/checkpoint.h"

namespace lapel::store {

namespace fs = std::filesystem;

namespace {

/// Without a slash at the end, which would name the folder's inside.
fs::path without_slash(const fs::path& folder) { return folder.has_filename() ? folder : folder.parent_path(); }

[[noreturn]] void refuse(const fs::path& folder, const std::error_code& reason) {
  throw Error(ErrorKind::kIo, folder.string(), "the run folder cannot be made", {{"system", reason.message()}},
              "another folder for the run");
}

/// Makes the folder, or takes one that is there and empty. Returns whether it made it.
bool make_folder(const fs::path& folder) {
  std::error_code reason;
  if (fs::exists(fs::symlink_status(folder, reason))) {
    if (fs::is_directory(folder, reason) && fs::is_empty(folder, reason) && !reason) {
      return false;
    }
    throw Error(ErrorKind::kUsage, folder.string(), "exists already, and a run is not written over", {},
                "another folder for the run, or remove this one");
  }
  if (folder.has_parent_path() && !fs::is_directory(folder.parent_path(), reason)) {
    fs::create_directories(folder.parent_path(), reason);
    if (reason) {
      refuse(folder, reason);
    }
  }
  if (!fs::create_directory(folder, reason)) {
    refuse(folder, reason ? reason : std::make_error_code(std::errc::file_exists));
  }
  return true;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) {
    entries.push_back(entry.path());
  }
  return entries;
}

}  // namespace

RunFolder::RunFolder(const fs::path& folder) : path_(without_slash(folder)) {
  if (path_.empty()) {
    throw Error(ErrorKind::kUsage, {}, "the name of the run folder is empty", {}, "a folder that does not exist yet");
  }
  origin_ = make_folder(path_) ? Origin::kMade : Origin::kTaken;
  try {
    lock_ = std::make_shared<RunLock>(path_);
  } catch (const Error&) {
    std::error_code ignored;
    if (origin_ == Origin::kMade) {
      fs::remove(path_, ignored);  // Stays where another process has it.
    }
    throw;
  }
}

RunFolder RunFolder::open(const fs::path& folder) {
  std::error_code ignored;
  const fs::path path = without_slash(folder);
  if (!fs::is_regular_file(path / kRecipeFile, ignored)) {
    throw Error(ErrorKind::kUsage, path.string(),
                fs::exists(path, ignored) ? "is no run folder: it has no recipe.toml" : "there is no such run folder",
                {}, "a folder that `lapel train` made");
  }
  refuse_links(path);
  RunFolder run(Opened{}, path);
  run.lock_ = std::make_shared<RunLock>(path);
  remove_leftovers(path);
  return run;
}

void refuse_links(const fs::path& run) {
  std::error_code problem;
  for (fs::recursive_directory_iterator entry(run, problem), end; !problem && entry != end; entry.increment(problem)) {
    std::error_code dangling;
    if (entry->is_symlink(dangling) && fs::is_directory(entry->path(), dangling)) {
      throw Error(ErrorKind::kUsage, entry->path().string(), "is a symbolic link in a run folder, and is not followed",
                  {}, "the folder itself in its place");
    }
  }
}

void remove_leftovers(const fs::path& run) {
  formats::remove_leftovers(run);
  for (const fs::path& entry : entries_of(run)) {
    if (fs::is_directory(fs::symlink_status(entry))) {
      formats::remove_leftovers(entry);
    }
  }
}

void RunFolder::write_recipe(std::string_view toml) const { formats::write_text_file(path_ / kRecipeFile, toml); }

void RunFolder::write_metrics(std::string_view json) const { formats::write_text_file(path_ / kMetricsFile, json); }

void RunFolder::write_report(std::string_view text) const { formats::write_text_file(path_ / "report.txt", text); }

void RunFolder::write_confusion(std::string_view csv) const { formats::write_text_file(path_ / "confusion.csv", csv); }

void RunFolder::write_plot_data(std::string_view json) const {
  std::error_code failure;
  std::filesystem::create_directory(path_ / "plots", failure);
  formats::write_text_file(path_ / kPlotDataFile, json);
}

void RunFolder::remove_metrics() const {
  const fs::path file = path_ / kMetricsFile;
  std::error_code reason;
  fs::remove(file, reason);
  if (reason) {
    throw Error(ErrorKind::kIo, file.string(), "cannot be removed: " + reason.message());
  }
}

bool RunFolder::discard() const noexcept {
  try {
    if (origin_ == Origin::kOpened || has_checkpoint(path_)) {
      return false;
    }
    if (origin_ == Origin::kMade) {
      fs::remove_all(path_);
      return true;
    }
    for (const fs::path& entry : entries_of(path_)) {
      if (entry.filename() != kLockFile) {
        fs::remove_all(entry);
      }
    }
    return true;
  } catch (const fs::filesystem_error&) {
    return false;  // The failure that led here is the one to be told.
  }
}

fs::path find_model_file(const fs::path& run_or_model) {
  std::error_code reason;
  const fs::file_status status = fs::status(run_or_model, reason);
  if (!fs::exists(status)) {
    const std::error_code missing = std::make_error_code(std::errc::no_such_file_or_directory);
    throw Error(ErrorKind::kIo, run_or_model.string(), "no run folder or model file is here",
                {{"system", (reason ? reason : missing).message()}}, "a folder that `lapel train` made");
  }
  if (!fs::is_directory(status)) {
    return run_or_model;
  }
  fs::path file = run_or_model / "model.safetensors";
  if (!fs::is_regular_file(file, reason)) {
    const bool begun = fs::exists(run_or_model / kRecipeFile, reason);
    throw Error(ErrorKind::kIo, run_or_model.string(), "the folder has no model.safetensors",
                {{"because", begun ? "the training did not come to its end" : "it is no run folder"}},
                begun ? "train again, into another folder" : "a folder that `lapel train` made");
  }
  return file;
}

}  // namespace lapel::store
