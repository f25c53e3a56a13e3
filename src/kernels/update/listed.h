#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/update_rule.h"

/// Updates that are passes of their own over weights, gradients and state. Each is one file: its formula on vectors and
/// in doubles. Its line in listed.cpp makes it known to tests; an optimizer of src/train/ makes rules of it.
namespace lapel::kernels {

struct ListedUpdate {
  std::string_view name;  ///< As an optimizer of src/train/ asks for it: `rmsprop`.
  /// Numbers [begin, end), on the calling thread. Weights change in bfloat16 too, where they are there.
  void (*run)(const ListedRule& rule, const UpdateSpan& span, std::size_t begin, std::size_t end);
  /// The same in plain loops, in double, over the whole span; state is rounded to float where it is stored.
  void (*reference)(const ListedRule& rule, const UpdateSpan& span);
  /// Rules that tests try: all ways through the formula.
  std::vector<ListedRule> examples;
};

/// The line of the list, defined in the update's file as a specialization for a name of its own, so that no header has
/// to declare it.
template <class Name>
[[nodiscard]] ListedUpdate listed_update();

/// All of them. Made at the first call and never moved: rules point to them.
[[nodiscard]] std::span<const ListedUpdate> listed_updates();

/// Throws Error (kInternal) for an unknown name.
[[nodiscard]] const ListedUpdate& find_listed_update(std::string_view name);

}  // namespace lapel::kernels
