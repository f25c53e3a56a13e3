#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace lapel::report {

/// A JSON document as the program prints it. Text that is no UTF-8 (a file's name may be) gets replacement characters;
/// numbers that are not finite are null.
inline std::string json_document(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace lapel::report
