// libFuzzer's entrance: LAPEL_FUZZ_READER names the reader (readers.h).
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "fuzz/readers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const lapel::fuzz::Reader& reader = []() -> const lapel::fuzz::Reader& {
    const char* name = std::getenv("LAPEL_FUZZ_READER");
    return lapel::fuzz::find_reader(name == nullptr ? "" : name);
  }();
  lapel::fuzz::takes(reader, {data, size});
  return 0;
}
