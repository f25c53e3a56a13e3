#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// Test-time augmentation: a picture is looked at in several ways, and the answers are averaged.
namespace lapel::model {

/// One way to look at a picture: mirrored from left to right or not, then moved by whole pixels, with its edges
/// repeated where nothing comes in.
struct View {
  bool mirrored = false;
  std::int64_t down = 0;
  std::int64_t right = 0;
  float weight = 1;

  bool operator==(const View&) const = default;
};

/// `none`, `flip`, `flip+shift`.
[[nodiscard]] std::vector<std::string_view> test_time_augmentations();

/// The views of one of them, with weights that add up to 1. `flip`: as it is, and mirrored. `flip+shift`: both of these
/// with weight 1/4, and moved by one pixel up and left, and down and right, with weight 1/8 each: the six views of
/// Jordan 2024 (arXiv 2404.00498). Throws Error (kInternal) for another name.
[[nodiscard]] std::span<const View> views_of(std::string_view name);

}  // namespace lapel::model
