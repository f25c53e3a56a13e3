// One test for every layer of the table, with each activation, padding and so on that it offers: shape, gradients
// against the plain kernels and against finite differences, float32 and bfloat16.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

#include "base/threads.h"
#include "kernels/reference/reference.h"
#include "plan/lowering.h"
#include "plan/network.h"
#include "plan/verify.h"
#include "support/samples.h"
#include "support/tiny.h"

namespace lapel::plan {
namespace {

constexpr std::int64_t kBatch = 4;
constexpr std::int64_t kClasses = 4;
const Shape kInput = Shape::image(3, 9, 8);

struct Case {
  std::string name;
  std::vector<LayerSpec> layers;
  friend void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }
};

/// The layer between a convolution, so that it must pass a gradient on, and a classifier; one that passes none on
/// before the convolution.
std::vector<LayerSpec> around(const layers::LayerType& type, const OptionValues& options) {
  std::vector<LayerSpec> specs = {{"Input", "pixels", {}, {{"shape", std::vector<std::int64_t>{9, 8, 3}}}, {}},
                                  // The tanh: a normalization takes away what a bias just before it adds.
                                  test::layer("Conv2D",
                                              {{"filters", std::int64_t{3}},
                                               {"kernel_size", std::int64_t{2}},
                                               {"padding", std::string("same")},
                                               {"activation", std::string("tanh")}},
                                              "before")};
  if (type.type != "Input") {
    const auto layer = layers::make_layer(type.type, options);
    const auto inputs =
        layer->min_inputs() == 2 ? std::vector<std::string>{"before", "pixels"} : std::vector<std::string>{};
    specs.insert(layer->before_weights() ? specs.end() - 1 : specs.end(),
                 test::layer(std::string(type.type), options, "tested", inputs));
  }
  specs.push_back(test::layer("Flatten"));
  specs.push_back(test::layer("Dense", {{"units", kClasses}}, "classes"));
  return specs;
}

std::vector<Case> cases() {
  std::vector<Case> result;
  for (const auto& type : layers::layer_types()) {
    const OptionValues options = test::sample_options(type);
    result.push_back({std::string(type.type), around(type, options)});
    for (const auto& rule : type.rules) {
      for (const auto choice : rule.choices) {
        OptionValues changed = options;
        changed[std::string(rule.key)] = std::string(choice);
        result.push_back({fmt::format("{}_{}_{}", type.type, rule.key, choice), around(type, changed)});
      }
    }
  }
  return result;
}

/// A network over its own weights, and what one training step gave.
class Trial {
 public:
  Trial(const Case& one, kernels::Dtype dtype, bool reference)
      : network_(model::Model("m", one.layers, kInput),
                 {dtype, 2, 1.0F / 255.0F, kBatch, true, false,
                  reference ? kernels::make_reference_operator : kernels::make_operator}) {
    network_.parameters().initialize(5);
    loss_ = step();
    for (std::size_t i = 0; i < parameters().entries().size(); ++i) {
      const bool trainable = parameters().entries()[i].spec.trainable;
      gradients_.push_back(trainable ? parameters().get_gradient(i) : std::vector<float>());
    }
  }

  Parameters& parameters() { return network_.parameters(); }
  [[nodiscard]] double loss() const { return loss_; }
  /// Empty where no gradient changes it.
  [[nodiscard]] const std::vector<float>& gradient(std::size_t i) const { return gradients_[i]; }

  /// The mean loss with number `at` of weight `i` moved by `offset`.
  double loss_at(std::size_t i, std::size_t at, float offset) {
    const auto original = parameters().get(i);
    auto moved = original;
    moved[at] += offset;
    parameters().set(i, moved);
    const double loss = step();
    parameters().set(i, original);
    return loss;
  }

 private:
  double step() {
    static const LabeledPictures kPictures = test::tiny_pictures(kBatch, 9, 8, 3, kClasses);
    std::vector<std::uint32_t> rows(kBatch);
    std::iota(rows.begin(), rows.end(), 0U);
    const ThreadScope threads(2);
    return network_.plan(kBatch, true)
               .train_step({kPictures.pictures.pixels.data(), kPictures.labels, rows}, {}, {1, 1})
               .loss_sum /
           static_cast<double>(kBatch);
  }

  Network network_;
  double loss_ = 0;
  std::vector<std::vector<float>> gradients_;
};

double norm(const std::vector<float>& values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

/// The norm of the difference, as a share of the norm of `b`.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> difference(a.size());
  std::transform(a.begin(), a.end(), b.begin(), difference.begin(), std::minus<>());
  return norm(difference) / std::max(norm(b), 1e-6);
}

class LayerTable : public testing::TestWithParam<Case> {};

TEST_P(LayerTable, GivesTheShapeThatItSays) {
  const model::Model model("m", GetParam().layers, kInput);
  const Program program = lower(model, true, 1.0F);
  verify(program, "lowering");
  for (const Instruction& instruction : program.instructions) {
    const bool last_of_its_layer =
        &instruction == &program.instructions.back() || (&instruction + 1)->layer != instruction.layer;
    if (last_of_its_layer) {
      EXPECT_EQ(program.value_sizes[instruction.output], model.nodes()[instruction.layer].output_shape.size());
    }
  }
}

TEST_P(LayerTable, FastKernelsAgreeWithPlainOnes) {
  for (const auto dtype : {kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}) {
    const bool full = dtype == kernels::Dtype::kFloat32;
    Trial fast(GetParam(), dtype, false);
    Trial plain(GetParam(), dtype, true);
    EXPECT_NEAR(fast.loss(), plain.loss(), (full ? 1e-5 : 5e-3) * plain.loss());
    for (std::size_t i = 0; i < plain.parameters().entries().size(); ++i) {
      EXPECT_LT(distance(fast.gradient(i), plain.gradient(i)), full ? 1e-4 : 0.05)
          << plain.parameters().entries()[i].name << (full ? "" : ", bfloat16");
      EXPECT_LT(distance(fast.parameters().get(i), plain.parameters().get(i)), full ? 1e-5 : 5e-3)
          << plain.parameters().entries()[i].name << (full ? "" : ", bfloat16");
    }
  }
}

TEST_P(LayerTable, GradientsAreFiniteDifferences) {
  Trial plain(GetParam(), kernels::Dtype::kFloat32, true);
  Trial full(GetParam(), kernels::Dtype::kFloat32, false);
  Trial low(GetParam(), kernels::Dtype::kBfloat16, false);
  constexpr float kStep = 2e-3F;
  // A step of a bias takes some of a layer's thousand numbers over the kink, where the slope is another.
  const std::string_view layer = GetParam().name;
  const bool kink = layer == "LeakyReLU" || layer == "Activation_activation_leaky_relu";
  for (std::size_t i = 0; i < plain.parameters().entries().size(); ++i) {
    const auto& gradient = plain.gradient(i);
    if (gradient.empty()) {
      continue;
    }
    const auto largest = static_cast<std::size_t>(
        std::max_element(gradient.begin(), gradient.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }) -
        gradient.begin());
    const double slope =
        (plain.loss_at(i, largest, kStep) - plain.loss_at(i, largest, -kStep)) / (2 * static_cast<double>(kStep));
    const auto& name = plain.parameters().entries()[i].name;
    EXPECT_GT(std::abs(slope), 1e-5) << name << ": nothing to compare";
    EXPECT_NEAR(full.gradient(i)[largest], slope, (kink ? 0.15 : 0.02) * std::abs(slope) + 2e-4) << name;
    EXPECT_NEAR(low.gradient(i)[largest], slope, (kink ? 0.2 : 0.1) * std::abs(slope) + 2e-3) << name << ", bfloat16";
  }
}

INSTANTIATE_TEST_SUITE_P(All, LayerTable, testing::ValuesIn(cases()), [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace lapel::plan
