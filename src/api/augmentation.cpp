#include "lapel/augmentation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "api/resolve.h"
#include "base/threads.h"
#include "data/check.h"
#include "lapel/error.h"
#include "layers/layer.h"
#include "model/model.h"
#include "plan/network.h"

namespace lapel {

std::vector<LayerSpec> augmentations(const Recipe& recipe) {
  std::vector<LayerSpec> result;
  for (const LayerSpec& spec : recipe.layers) {
    try {
      if (layers::make_layer(spec.type, spec.options)->before_weights()) {
        result.push_back(spec);
        result.back().inputs.clear();
      }
    } catch (const Error& error) {
      throw error.within(spec.place);
    }
  }
  return result;
}

Pictures augmented(const Recipe& recipe, const Pictures& pictures, std::span<const std::uint32_t> samples,
                   std::int64_t epoch) {
  data::check_whole(pictures, "pictures");
  const auto beyond = std::ranges::find_if(samples, [&](std::uint32_t sample) { return sample >= pictures.count; });
  if (beyond != samples.end()) {
    throw Error(ErrorKind::kUsage, "augmented", fmt::format("there is no picture {}", *beyond),
                {{"pictures", fmt::format("{}", pictures.count)}});
  }
  static constexpr float kWhite = 255;
  const Shape shape = picture_shape(pictures);
  std::vector<LayerSpec> specs = augmentations(recipe);
  specs.push_back({.type = "Flatten"});
  const auto count = static_cast<std::int64_t>(samples.size());
  const int threads = resolve_threads(recipe.train);
  plan::Network network(model::Model(recipe.name, specs, shape),
                        {.threads = threads, .scale = kPixelScale, .main_batch = count, .training = true});
  const ThreadScope scope(threads);
  std::vector<float> numbers(static_cast<std::size_t>(count * shape.size()));
  network.plan(count, true)
      .logits({pictures.pixels.data(), {}, samples},
              {static_cast<std::uint64_t>(recipe.train.seed), static_cast<std::uint32_t>(epoch)}, numbers);
  Pictures result{count, pictures.height, pictures.width, pictures.channels, {}};
  result.pixels.resize(numbers.size());
  std::transform(numbers.begin(), numbers.end(), result.pixels.begin(), [](float number) {
    return static_cast<std::uint8_t>(std::lround(std::clamp(number * kWhite, 0.0F, kWhite)));
  });
  return result;
}

}  // namespace lapel
