// Predictions whose rows go through several instructions without waiting for the others: the same as one by one.

#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "base/threads.h"
#include "kernels/cpu.h"
#include "plan/network.h"
#include "plan/step_observer.h"
#include "support/tiny.h"

namespace lapel::plan {
namespace {

/// In units of four rows and in parts of 20 some are left over; a part of one picture would be another kernel's.
constexpr std::int64_t kPictures = 302;
constexpr std::int64_t kClasses = 10;

const LabeledPictures& pictures() {
  static const LabeledPictures kMany = test::tiny_pictures(kPictures, 8, 6, 1, kClasses, 4);
  return kMany;
}

LayerSpec dense(std::int64_t units, const std::string& activation) {
  return test::layer("Dense", {{"units", units}, {"activation", activation}});
}

Network make_network(const std::vector<LayerSpec>& layers, kernels::Dtype dtype, int threads) {
  Network network(model::Model("m", layers, Shape::image(1, 8, 6)), {dtype, threads, 1.0F / 255.0F, kPictures, false});
  network.parameters().initialize(3);
  return network;
}

std::vector<std::uint32_t> rows(std::size_t count, std::uint32_t first = 0) {
  std::vector<std::uint32_t> result(count);
  std::iota(result.begin(), result.end(), first);
  return result;
}

struct Predicted {
  std::vector<float> probabilities;
  std::vector<float> logits;
};

/// All pictures, `batch` at a time.
Predicted predict(Network& network, std::int64_t batch) {
  const ThreadScope threads(network.options().threads);
  Predicted all;
  for (std::int64_t first = 0; first < kPictures; first += batch) {
    const auto samples =
        rows(static_cast<std::size_t>(std::min(batch, kPictures - first)), static_cast<std::uint32_t>(first));
    auto& plan = network.plan(std::ssize(samples), false);
    const Batch one{pictures().pictures.pixels.data(), pictures().labels, samples};
    std::vector<float> numbers(samples.size() * kClasses);
    plan.predict(one, numbers);
    all.probabilities.insert(all.probabilities.end(), numbers.begin(), numbers.end());
    plan.logits(one, {}, numbers);
    all.logits.insert(all.logits.end(), numbers.begin(), numbers.end());
  }
  return all;
}

std::vector<kernels::Dtype> dtypes() {
  return kernels::cpu().fast_bfloat16 ? std::vector{kernels::Dtype::kFloat32, kernels::Dtype::kBfloat16}
                                      : std::vector{kernels::Dtype::kFloat32};
}

std::vector<std::vector<LayerSpec>> models() {
  return {{test::layer("Flatten"), dense(40, "relu"), dense(24, "relu"), dense(kClasses, "softmax")},
          {test::layer("Flatten"), dense(40, "relu"), dense(24, "tanh"), dense(kClasses, "softmax")}};
}

TEST(Predict, GivesTheBitsOfFewRows) {
  for (const auto& layers : models()) {
    for (const auto dtype : dtypes()) {
      for (const int threads : {1, 2, 3}) {
        SCOPED_TRACE(threads);
        auto network = make_network(layers, dtype, threads);
        const Predicted expected = predict(network, 20);  // so few rows that threads do not divide them
        const Predicted actual = predict(network, kPictures);
        EXPECT_EQ(actual.probabilities, expected.probabilities);
        EXPECT_EQ(actual.logits, expected.logits);
      }
    }
  }
}

class Recorder : public StepObserver {
 public:
  void on_begin() override { heard_ = "begin"; }
  void on_part(StepPart part, std::size_t instruction) override {
    heard_ += part == StepPart::kLoss ? " softmax" : " " + std::to_string(instruction);
  }
  [[nodiscard]] const std::string& heard() const { return heard_; }

 private:
  std::string heard_;
};

TEST(Predict, IsHeardOfPartByPart) {
  for (const auto& layers : models()) {
    auto network = make_network(layers, kernels::Dtype::kFloat32, 2);
    const ThreadScope threads(2);
    auto& plan = network.plan(kPictures, false);
    Recorder recorder;
    plan.observe(&recorder);
    std::vector<float> probabilities(kPictures * kClasses);
    plan.predict({pictures().pictures.pixels.data(), pictures().labels, rows(kPictures)}, probabilities);
    plan.observe(nullptr);
    std::string expected = "begin";
    for (std::size_t i = 0; i < plan.instructions().size(); ++i) {
      expected += " " + std::to_string(i);
    }
    EXPECT_EQ(recorder.heard(), expected + " softmax");
    EXPECT_EQ(probabilities, predict(network, 20).probabilities);
  }
}

TEST(Predict, ABatchOfAnotherSizeThrows) {
  auto network = make_network(models().front(), kernels::Dtype::kFloat32, 2);
  EXPECT_ANY_THROW(network.plan(kPictures, false).predict({pictures().pictures.pixels.data(), {}, rows(20)}, {}));
}

}  // namespace
}  // namespace lapel::plan
