#pragma once

#include <functional>

#include "lapel/callback.h"

namespace lapel::training {

/// Has checkpoints written (Keras's BackupAndRestore): after an epoch, and where the last one was so many seconds ago.
/// To keep that from costing much, an epoch passes without one where writing them took more than a fiftieth of the time
/// so far. It comes last, so that the states of other callbacks are those after the epoch.
class BackupAndRestore : public Callback {
 public:
  /// `now`: the time in seconds, from any beginning. `write` writes a checkpoint.
  BackupAndRestore(double every_seconds, std::function<double()> now, std::function<void()> write);

  void on_begin(Training& training) override;
  void on_step(Training& training) override;
  void on_epoch(Training& training) override;

 private:
  void write_now();

  double every_seconds_;
  std::function<double()> now_;
  std::function<void()> write_;
  double start_ = 0;
  double written_at_ = 0;
  double write_seconds_ = 0;
};

}  // namespace lapel::training
