#include "kernels/update/muon.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/threads.h"
#include "kernels/bfloat16.h"
#include "kernels/operator_harness.h"
#include "train/numbers.h"

namespace lapel::kernels {
namespace {

/// Follows the golden numbers of `key` for a kernel of this shape, with padding or without.
void follow(const std::string& key, const std::vector<std::int64_t>& shape, const MuonRule& step) {
  SCOPED_TRACE(key);
  const auto numbers = training::test::golden_numbers();
  const auto floats = [&](const std::string& name) {
    const auto& values = numbers.at(key + name);
    return std::vector<float>(values.begin(), values.end());
  };
  const WeightLayout layout = WeightLayout::plain(shape);
  MuonUpdate update(layout);
  auto weights = floats("/initial");
  std::vector<float> momentum(weights.size());
  std::vector<std::uint16_t> low(weights.size());
  for (int i = 1; i <= 5; ++i) {
    const auto grads = floats("/gradient/" + std::to_string(i));
    update.apply(step, {weights, grads, momentum, {}, low});
    const auto expected = floats("/kernel/" + std::to_string(i));
    for (std::size_t n = 0; n < weights.size(); ++n) {
      ASSERT_NEAR(weights[n], expected[n], 2e-5) << "step " << i;
      ASSERT_EQ(low[n], bfloat16_from_float(weights[n]));
    }
  }
}

TEST(Muon, EveryStepAsTheFormulasSay) {
  for (const int threads : {1, 2}) {
    const ThreadScope scope(threads);
    follow("muon-dense", {5, 9}, {.learning_rate = 0.1F, .momentum = 0.6F, .steps = 3});
    follow("muon-conv", {3, 3, 2, 4},
           {.learning_rate = 0.1F, .momentum = 0.9F, .nesterov = false, .weight_decay = 0.02F, .steps = 5});
    follow("muon-normalized", {3, 3, 2, 4}, {.learning_rate = 0.1F, .momentum = 0.6F, .steps = 3, .normalize = true});
  }
}

TEST(Muon, AWeightThatIsAllZeroIsNotDividedBy) {
  MuonUpdate update(WeightLayout::plain({2, 3}));
  std::vector<float> weights(6);
  std::vector<float> momentum(6);
  const std::vector<float> grads(6, 0.0F);
  update.apply({.normalize = true}, {weights, grads, momentum, {}, {}});
  EXPECT_EQ(weights, std::vector<float>(6, 0.0F));
}

/// The layouts that training plans choose, with padding and with pairs, as the plain order does; for any number of
/// threads.
TEST(Muon, InEveryLayoutTheSame) {
  for (const auto& [in, out] : {std::pair{16, 32}, {32, 24}, {6, 16}, {5, 7}, {64, 64}}) {
    const std::vector<std::int64_t> shape{3, 3, in, out};
    const WeightLayout plain = WeightLayout::plain(shape);
    const auto size = static_cast<std::size_t>(plain.size());
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      Conv2DOp op{Shape::image(in, 6, 6), Shape::image(out, 4, 4), {3, 3}, {1, 1}};
      op.bias = false;
      BuildOptions options;
      options.batch = 8;
      options.training = true;
      options.dtype = dtype;
      const WeightLayout layout = make_operator(op, options)->weight_layouts().front();
      for (const bool normalize : {true, false}) {
        SCOPED_TRACE(::testing::Message() << in << " to " << out << ", packed " << layout.packed_size());
        const MuonRule step{
            .learning_rate = 0.1F, .momentum = 0.6F, .weight_decay = 0.01F, .steps = 3, .normalize = normalize};
        const auto moved = [&](const WeightLayout& order, int threads) {
          const ThreadScope scope(threads);
          const auto packed = [&](std::uint32_t unit) {
            std::vector<float> numbers(static_cast<std::size_t>(order.packed_size()));
            order.pack(testing::random_numbers(plain.size(), unit), numbers);
            return numbers;
          };
          auto weights = packed(1);
          auto state = packed(2);
          std::vector<std::uint16_t> low(weights.size());
          MuonUpdate(order).apply(step, {weights, packed(3), state, {}, low});
          for (std::size_t i = 0; i < weights.size(); ++i) {
            EXPECT_EQ(low[i], bfloat16_from_float(weights[i]));
          }
          std::vector<float> result(2 * size);
          order.unpack(weights, std::span(result).first(size));
          order.unpack(state, std::span(result).last(size));
          return result;
        };
        const auto expected = moved(plain, 1);
        for (const int threads : {1, 2}) {
          const auto got = moved(layout, threads);
          for (std::size_t i = 0; i < got.size(); ++i) {
            ASSERT_NEAR(got[i], expected[i], 2e-5) << "number " << i << ", " << threads << " threads";
          }
        }
      }
    }
  }
}

TEST(Muon, TilesCoverEveryNumberOnce) {
  for (const auto& [in, out] : {std::pair{16, 32}, {32, 24}, {6, 16}, {5, 7}}) {
    for (const Dtype dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
      Conv2DOp op{Shape::image(in, 6, 6), Shape::image(out, 4, 4), {3, 3}, {1, 1}};
      op.bias = false;
      BuildOptions options;
      options.training = true;
      options.dtype = dtype;
      const WeightLayout layout = make_operator(op, options)->weight_layouts().front();
      const MuonTiles tiles = MuonTiles::of(layout);
      std::vector<std::uint32_t> positions(static_cast<std::size_t>(layout.size()), 0xFFFFFFFFU);
      const std::size_t high = tiles.pairs ? 2 : 1;
      for (const MuonTile& tile : tiles.tiles) {
        for (std::size_t row = 0; row < high; ++row) {
          for (std::size_t j = 0; j < tiles.width; ++j) {
            positions.at(tile.to + row * static_cast<std::size_t>(out) + j) =
                static_cast<std::uint32_t>(tile.at + high * j + row);
          }
        }
      }
      EXPECT_EQ(positions, layout.positions());
      // Layouts divide channels by 8 or 16.
      EXPECT_GE(tiles.width, out % 8 == 0 ? 8U : 1U) << in << " to " << out;
    }
  }
}

}  // namespace
}  // namespace lapel::kernels
