#include "report/trace.h"

#include <nlohmann/json.hpp>

namespace lapel::report {

std::string trace_json(std::span<const TraceLane> lanes) {
  using Json = nlohmann::ordered_json;
  Json events = Json::array();
  int lane_number = 0;
  for (const TraceLane& lane : lanes) {
    ++lane_number;
    events.push_back(
        {{"name", "thread_name"}, {"ph", "M"}, {"pid", 1}, {"tid", lane_number}, {"args", {{"name", lane.name}}}});
    for (const auto& event : lane.events) {
      events.push_back({{"name", event.name},
                        {"ph", "X"},
                        {"pid", 1},
                        {"tid", lane_number},
                        {"ts", event.start_us},
                        {"dur", event.duration_us}});
    }
  }
  return events.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lapel::report
