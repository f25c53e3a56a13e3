// What ThreadSanitizer has to know of OpenMP: a parallel region begins after what came before it, its end comes after
// all of its threads, and a barrier after what each did before it. Debian's libgomp waits through the kernel alone and
// is not built for ThreadSanitizer, which would call every region a race. These stand in front of libgomp's own.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

namespace {

template <class F>
F real(const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

/// A region; its members are addresses that threads meet at.
struct Region {
  void (*body)(void*);
  void* data;
  char begun;
  char barrier;
  char ended;
};

thread_local Region* region_of_this_thread = nullptr;

void run(void* of) {
  auto* const region = static_cast<Region*>(of);
  Region* const outer = region_of_this_thread;
  __tsan_acquire(&region->begun);
  region_of_this_thread = region;
  region->body(region->data);
  region_of_this_thread = outer;
  __tsan_release(&region->ended);
}

}  // namespace

extern "C" {

void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags) {
  static const auto call = real<void (*)(void (*)(void*), void*, unsigned, unsigned)>("GOMP_parallel");
  Region region{body, data, 0, 0, 0};
  __tsan_release(&region.begun);
  call(run, &region, threads, flags);
  __tsan_acquire(&region.ended);
}

void GOMP_barrier() {
  static const auto call = real<void (*)()>("GOMP_barrier");
  Region* const region = region_of_this_thread;
  if (region != nullptr) {
    __tsan_release(&region->barrier);
  }
  call();
  if (region != nullptr) {
    __tsan_acquire(&region->barrier);
  }
}

}  // extern "C"
