#pragma once

namespace lapel::kernels {

/// While it lives, the thread that made it takes numbers below the smallest normal float as zero, where the CPU can, as
/// TensorFlow's threads do. Optimizer state decays to such numbers wherever a gradient stays zero, and each of them
/// would take the CPU many times as long as another; a weight's change by one is below what a weight can hold.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned before_ = 0;
};

}  // namespace lapel::kernels
