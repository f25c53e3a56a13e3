#include "train/backup_and_restore.h"

#include <utility>

namespace lapel::training {

BackupAndRestore::BackupAndRestore(double every_seconds, std::function<double()> now, std::function<void()> write)
    : every_seconds_(every_seconds), now_(std::move(now)), write_(std::move(write)) {}

void BackupAndRestore::on_begin(Training& /*training*/) { start_ = written_at_ = now_(); }

void BackupAndRestore::on_step(Training& training) {
  if (training.progress().step < training.progress().steps && now_() - written_at_ >= every_seconds_) {
    write_now();
  }
}

void BackupAndRestore::on_epoch(Training& /*training*/) {
  constexpr double kLargestShare = 0.02;
  if (write_seconds_ <= kLargestShare * (now_() - start_)) {
    write_now();
  }
}

void BackupAndRestore::write_now() {
  const double begin = now_();
  write_();
  written_at_ = now_();
  write_seconds_ += written_at_ - begin;
}

}  // namespace lapel::training
