#include "kernels/update/denormals.h"

#if defined(__SSE__)
#include <immintrin.h>
#endif

namespace lapel::kernels {

#if defined(__SSE__)

namespace {

// Both: state that was stored as a denormal, by a checkpoint or another optimizer, is an operand.
constexpr unsigned kFlushResults = 0x8000;   // MXCSR.FTZ
constexpr unsigned kFlushOperands = 0x0040;  // MXCSR.DAZ
constexpr unsigned kFlush = kFlushResults | kFlushOperands;

}  // namespace

// Written only where it changes something: one may live within another, around each of many small updates.
FlushDenormals::FlushDenormals() : before_(_mm_getcsr()) {
  if ((before_ & kFlush) != kFlush) {
    _mm_setcsr(before_ | kFlush);
  }
}

FlushDenormals::~FlushDenormals() {
  if ((before_ & kFlush) != kFlush) {
    _mm_setcsr(before_);
  }
}

#else

FlushDenormals::FlushDenormals() = default;
FlushDenormals::~FlushDenormals() = default;

#endif

}  // namespace lapel::kernels
