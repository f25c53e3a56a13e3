#include "golden/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "base/threads.h"
#include "kernels/reference/reference.h"
#include "plan/network.h"
#include "support/step_losses.h"
#include "train/class_weights.h"
#include "train/loop.h"

namespace lapel::golden {

namespace {

constexpr Tolerance kFirstLoss = {.relative = 1e-5};
constexpr Tolerance kStepLoss = {.relative = 1e-4};
constexpr Tolerance kProbability = {.absolute = 1e-5};
constexpr double kGradient = 1e-4;       // of the tensor's largest number
constexpr double kTrainedWeight = 1e-4;  // of the tensor's norm: a ReLU that turns over moves single numbers
constexpr Tolerance kBfloat16Loss = {.relative = 0.01};
constexpr double kBfloat16Gradient = 0.05;  // of the tensor's norm; or twice Keras's own distance, if that is more

double largest(std::span<const float> values) {
  double result = 0;
  for (const float value : values) {
    result = std::max(result, std::abs(static_cast<double>(value)));
  }
  return result;
}

std::optional<std::string> length_difference(std::string_view tensor, std::size_t actual, std::size_t expected) {
  if (actual == expected) {
    return {};
  }
  return fmt::format("{}: {} numbers, Keras has {}", tensor, actual, expected);
}

/// One case on one engine, with its weights at Keras's initial ones.
class Comparison {
 public:
  Comparison(const GoldenCase& golden, const Engine& engine)
      : golden_(golden),
        engine_(engine),
        batch_(training::effective_batch(golden.recipe.train, golden.pictures.pictures.count)),
        network_(make_network()),
        class_weights_(make_class_weights()) {
    set_weights();
  }

  void compare_predictions(std::string_view tensor) {
    const auto& pictures = golden_.pictures.pictures;
    std::vector<float> actual(static_cast<std::size_t>(pictures.count * network_.model().outputs()));
    network_.predict(pictures.pixels.data(), 0, pictures.count, batch_, actual);
    note(difference(tensor, actual, golden_.tensor(tensor), kProbability));
  }

  void compare_first_loss(const Tolerance& tolerance) {
    const ThreadScope threads(engine_.threads);
    std::vector<std::uint32_t> rows(static_cast<std::size_t>(batch_));
    std::iota(rows.begin(), rows.end(), 0U);
    auto loss = training::make_loss(golden_.recipe.train.loss);
    loss.class_weights = class_weights_;
    const auto result = network_.plan(batch_, true)
                            .train_step({golden_.pictures.pictures.pixels.data(), golden_.pictures.labels, rows}, loss,
                                        {.seed = 1, .epoch = 1});
    const std::vector<float> actual = {static_cast<float>(result.loss_sum / static_cast<double>(batch_))};
    note(difference("first loss", actual, golden_.tensor("losses").first(1), tolerance));
  }

  /// Calls `compare(weight, tensor, actual, expected)` for the gradient of each weight.
  template <class F>
  void compare_gradients(const F& compare) {
    auto& parameters = network_.parameters();
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      if (!parameters.entries()[i].spec.trainable) {
        continue;
      }
      const std::string& weight = parameters.entries()[i].name;
      const std::string tensor = "gradient/" + weight;
      note(compare(weight, tensor, parameters.get_gradient(i), golden_.tensor(tensor)));
    }
  }

  /// From the first weights on: a step alone has moved what normalizations remember.
  void compare_steps() {
    set_weights();
    test::StepLosses noted;
    const data::Splits splits{{0, golden_.pictures.pictures.count}, {}};
    const auto result =
        training::run_loop(network_, {golden_.pictures, splits, golden_.recipe.train, {&noted}, {}, class_weights_});
    const std::vector<double> all = noted.take();
    const std::vector<float> losses(all.begin(), all.end());
    note(difference("losses", losses, golden_.tensor("losses"), kStepLoss));
    note(length_difference("steps", static_cast<std::size_t>(result.steps), losses.size()));
  }

  void compare_trained_weights() {
    const auto& parameters = network_.parameters();
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      const std::string tensor = "trained/" + parameters.entries()[i].name;
      note(norm_difference(tensor, parameters.get(i), golden_.tensor(tensor), kTrainedWeight));
    }
  }

  [[nodiscard]] std::vector<std::string> take_differences() { return std::move(differences_); }

 private:
  [[nodiscard]] plan::Network make_network() const {
    const auto& pictures = golden_.pictures.pictures;
    plan::NetworkOptions options;
    options.dtype = engine_.dtype;
    options.threads = engine_.threads;
    options.make_operator = engine_.reference ? kernels::make_reference_operator : kernels::make_operator;
    options.main_batch = batch_;
    options.training = true;
    return {model::Model(golden_.name, golden_.recipe.layers,
                         Shape::image(pictures.channels, pictures.height, pictures.width)),
            options};
  }

  [[nodiscard]] std::vector<float> make_class_weights() const {
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < network_.model().outputs(); ++i) {
      names.push_back(fmt::format("class {}", i));
    }
    return training::class_weights(golden_.recipe.train.class_weight, names, golden_.pictures.labels);
  }

  void set_weights() {
    auto& parameters = network_.parameters();
    note(length_difference("weights", parameters.entries().size(), golden_.names("weight").size()));
    for (std::size_t i = 0; i < parameters.entries().size(); ++i) {
      parameters.set(i, golden_.tensor("weight/" + parameters.entries()[i].name));
    }
  }

  void note(const std::optional<std::string>& text) {
    if (text) {
      differences_.push_back(fmt::format("case '{}', {}", golden_.name, *text));
    }
  }

  const GoldenCase& golden_;
  Engine engine_;
  std::int64_t batch_;
  plan::Network network_;
  std::vector<float> class_weights_;
  std::vector<std::string> differences_;
};

}  // namespace

std::optional<std::string> difference(std::string_view tensor, std::span<const float> actual,
                                      std::span<const float> expected, const Tolerance& tolerance) {
  if (const auto text = length_difference(tensor, actual.size(), expected.size())) {
    return text;
  }
  std::optional<std::size_t> worst;
  double worst_ratio = 1;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double wanted = expected[i];
    const double allowed = tolerance.absolute + tolerance.relative * std::abs(wanted);
    const double apart = std::abs(actual[i] - wanted);
    if (apart == 0) {
      continue;
    }
    if (const double ratio = apart / allowed; !(ratio <= worst_ratio)) {
      worst = i;
      worst_ratio = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
    }
  }
  if (!worst) {
    return {};
  }
  const double wanted = expected[*worst];
  return fmt::format("{}: number {} of {} is {:.8g}, Keras has {:.8g}: {:.2g} apart, {:.2g} allowed", tensor, *worst,
                     expected.size(), actual[*worst], wanted, std::abs(actual[*worst] - wanted),
                     tolerance.absolute + tolerance.relative * std::abs(wanted));
}

std::optional<std::string> norm_difference(std::string_view tensor, std::span<const float> actual,
                                           std::span<const float> expected, double allowed) {
  if (const auto text = length_difference(tensor, actual.size(), expected.size())) {
    return text;
  }
  double apart = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double wanted = expected[i];
    apart += (actual[i] - wanted) * (actual[i] - wanted);
    norm += wanted * wanted;
  }
  if (std::sqrt(apart) <= allowed * std::sqrt(norm)) {
    return {};
  }
  return fmt::format("{}: {:.2g} of its norm {:.3g} apart, {:.2g} allowed", tensor, std::sqrt(apart / norm),
                     std::sqrt(norm), allowed);
}

std::vector<std::string> compare_training(const GoldenCase& golden, const Engine& engine) {
  Comparison comparison(golden, engine);
  comparison.compare_predictions("probabilities");
  if (golden.has("losses")) {
    comparison.compare_first_loss(kFirstLoss);
    comparison.compare_gradients(
        [](std::string_view, std::string_view tensor, const auto& actual, const auto& expected) {
          return difference(tensor, actual, expected, {.absolute = kGradient * largest(expected)});
        });
    comparison.compare_steps();
    comparison.compare_trained_weights();
    comparison.compare_predictions("predictions");
  }
  return comparison.take_differences();
}

std::vector<std::string> compare_first_step_in_bfloat16(const GoldenCase& golden, Engine engine) {
  engine.dtype = kernels::Dtype::kBfloat16;
  Comparison comparison(golden, engine);
  if (golden.has("losses")) {
    comparison.compare_first_loss(kBfloat16Loss);
    comparison.compare_gradients(
        [&](const std::string& weight, std::string_view tensor, const auto& actual, const auto& expected) {
          const double keras = golden.tensor("bfloat16/" + weight)[0];
          return norm_difference(tensor, actual, expected, std::max(kBfloat16Gradient, 2 * keras));
        });
  }
  return comparison.take_differences();
}

}  // namespace lapel::golden
