#include "base/only_errors.h"

#include <fmt/format.h>

#include <system_error>

namespace lapel {

void rethrow_as_error(std::string_view place) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const std::filesystem::filesystem_error& error) {
    throw Error(ErrorKind::kIo, error.path1().empty() ? std::string(place) : error.path1().string(),
                fmt::format("cannot be used: {}", error.code().message()), {}, "the path of a file or folder");
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kIo, std::string(place), "the memory of this machine does not suffice", {},
                "a smaller train.batch_size, data.limit or model");
  } catch (const std::length_error&) {
    throw Error(ErrorKind::kIo, std::string(place), "more memory would be needed than there can be", {},
                "a smaller train.batch_size, data.limit or model");
  } catch (const std::exception& error) {
    throw Error(ErrorKind::kInternal, std::string(place), fmt::format("a defect of lapel: {}", error.what()));
  }
}

}  // namespace lapel
