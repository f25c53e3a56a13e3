#include "kernels/update/listed.h"

#include <fmt/format.h>

#include <initializer_list>

#include "lapel/error.h"

namespace lapel::kernels {

// The list. Each line declares the update's name here, in the namespace; its file has the rest.
// clang-format off
const std::initializer_list<ListedUpdate (*)()> kUpdates = {
    listed_update<struct RmspropUpdate>,
};
// clang-format on

std::span<const ListedUpdate> listed_updates() {
  static const std::vector<ListedUpdate> kMade = [] {
    std::vector<ListedUpdate> made;
    for (const auto& update : kUpdates) {
      made.push_back(update());
    }
    for (ListedUpdate& update : made) {
      for (ListedRule& rule : update.examples) {
        rule.update = &update;  // It stays there: what is returned is moved as a whole.
      }
    }
    return made;
  }();
  return kMade;
}

const ListedUpdate& find_listed_update(std::string_view name) {
  for (const ListedUpdate& update : listed_updates()) {
    if (update.name == name) {
      return update;
    }
  }
  throw Error(ErrorKind::kInternal, {}, fmt::format("no update is named \"{}\"", name));
}

}  // namespace lapel::kernels
