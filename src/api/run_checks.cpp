#include "api/run_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/memory.h"
#include "lapel/error.h"
#include "lapel/train.h"

namespace lapel {

namespace {

/// The first line in which two texts differ, in both.
std::pair<std::string, std::string> first_difference(std::string_view a, std::string_view b) {
  const auto line = [](std::string_view& text) {
    const std::string_view first = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(first.size() + 1, text.size()));
    return first;
  };
  std::string_view of_a = line(a);
  std::string_view of_b = line(b);
  while (of_a == of_b && !(a.empty() && b.empty())) {
    of_a = line(a);
    of_b = line(b);
  }
  return {std::string(of_a), std::string(of_b)};
}

}  // namespace

void check_space(const std::filesystem::path& folder, const TrainingSetup& setup) {
  constexpr std::int64_t kMostNumbers = 5;  // Of a weight in a checkpoint: itself, optimizer state, means.
  const auto size_of = [](const model::Model& model) {
    return model.trainable_parameters() + model.non_trainable_parameters();
  };
  const std::int64_t parameters = size_of(setup.ensemble);
  // Of a checkpoint, of which two stay while a third one is written.
  const std::int64_t numbers = parameters + (kMostNumbers - 1) * size_of(setup.model);
  std::error_code error;
  const auto space = std::filesystem::space(folder, error);
  const auto wanted = static_cast<std::uintmax_t>(parameters + 3 * numbers) * sizeof(float) + (1U << 20U);
  if (!error && space.available < wanted) {
    throw Error(ErrorKind::kIo, folder.string(),
                "there is not enough room on the disk for the trained model and its checkpoints",
                {{"free", fmt::format("{} bytes", space.available)}, {"needed", fmt::format("{} bytes", wanted)}},
                "--out on another disk");
  }
}

void check_memory_of(const TrainingSetup& setup) {
  constexpr std::size_t kNumbers =
      5;  // Of a weight: itself, its state, and what a model file or checkpoint is made of.
  const auto bytes_of = [](const model::Model& model) {
    return static_cast<std::size_t>(model.trainable_parameters() + model.non_trainable_parameters()) * sizeof(float);
  };
  const std::size_t model = bytes_of(setup.ensemble);
  const std::size_t rest = (kNumbers - 1) * bytes_of(setup.model);
  if (model + rest >= kWorthChecking) {
    check_memory(std::array{MemoryWish{"weights", model}, MemoryWish{"their state and copies", rest}}, free_memory(),
                 "a smaller model");
  }
}

std::string text_without_source(Recipe recipe) {
  recipe.data.source.clear();
  return write_recipe(recipe);
}

void check_same_training(const store::Checkpoint& checkpoint, const std::string& recipe,
                         const LabeledPictures& pictures, const std::filesystem::path& run) {
  if (checkpoint.recipe != recipe) {
    const auto [then, now] = first_difference(checkpoint.recipe, recipe);
    throw Error(ErrorKind::kUsage, run.string(), "this run was begun with another recipe",
                {{"then", then.empty() ? "nothing" : then}, {"now", now.empty() ? "nothing" : now}},
                "the recipe as it was, or another training, into another folder");
  }
  if (checkpoint.data_checksum != store::checksum_of(pictures)) {
    throw Error(ErrorKind::kUsage, run.string(), "this run was begun with other training pictures",
                {{"now", fmt::format("{} pictures", pictures.pictures.count)}},
                "the pictures as they were, or another training, into another folder");
  }
}

std::filesystem::path new_run_folder(const std::filesystem::path& parent, const std::string& name) {
  std::error_code failure;
  std::filesystem::create_directories(parent, failure);
  std::filesystem::path folder = parent / name;
  for (int number = 2; !failure && !std::filesystem::create_directory(folder, failure); ++number) {
    folder = parent / fmt::format("{}-{}", name, number);
  }
  if (failure) {
    throw Error(ErrorKind::kIo, folder.string(), "the run folder cannot be made", {{"system", failure.message()}},
                "--out DIR, in a folder that can be written to");
  }
  return folder;
}

}  // namespace lapel
