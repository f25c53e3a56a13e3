// Dense layers' own kernels, against the plain ones, for each instruction set; and their update in passing against the
// update of stored gradients, bit by bit.

#include "kernels/dense/dense.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/threads.h"
#include "kernels/dense/panels.h"
#include "kernels/each_target.h"
#include "kernels/operator_harness.h"
#include "kernels/trained_operator.h"

namespace lapel::kernels {
namespace {

using testing::expect_close;
using testing::optimizers;
using testing::random_numbers;
using testing::random_operands;
using testing::run_operator;
using testing::run_reference;
using testing::TrainedOperator;

struct Case {
  std::int64_t batch, in, out;
  std::int64_t rows = 1;
};

/// Sizes around those of vectors, tiles, blocks and stretches; and one that two threads divide.
const std::vector<Case> kCases = {{1, 1, 1},      {3, 5, 10},    {4, 16, 16},   {5, 17, 33},   {7, 64, 64},
                                  {2, 63, 100},   {33, 31, 32},  {65, 20, 48},  {66, 80, 70},  {17, 300, 10},
                                  {3, 9, 20, 5},  {8, 513, 65},  {140, 40, 12}, {32, 784, 96}, {32, 16, 300},
                                  {140, 40, 100}, {140, 20, 64}, {32, 784, 64}, {140, 15, 100}};

DenseOp dense_op(const Case& one, ActivationKind activation, bool bias = true) {
  return {one.rows, one.in, one.out, bias, activation};
}

std::vector<Dtype> dtypes() {
  return cpu().fast_bfloat16 ? std::vector{Dtype::kFloat32, Dtype::kBfloat16} : std::vector{Dtype::kFloat32};
}

/// What `SCOPED_TRACE` says.
std::string name_of(const Case& one, Dtype dtype) {
  return fmt::format("{} x {} x {} x {} {}", one.batch, one.rows, one.in, one.out,
                     dtype == Dtype::kFloat32 ? "float32" : "bfloat16");
}

class Dense : public testing::EachTarget {};

TEST_P(Dense, AgreesWithReference) {
  for (const auto dtype : dtypes()) {
    for (const Case& one : kCases) {
      for (const auto activation : {ActivationKind::kLinear, ActivationKind::kRelu}) {
        SCOPED_TRACE(name_of(one, dtype));
        const ThreadScope threads(2);
        const Op op = dense_op(one, activation, one.in % 3 != 0);
        const BuildOptions options{one.batch, true, one.in % 2 == 1 || one.batch > 60, dtype, {}};
        const auto data = random_operands(op, one.batch);
        const auto tested = make_dense_operator(std::get<DenseOp>(op), options);
        ASSERT_NE(tested, nullptr);
        expect_close(run_operator(*tested, op, options, data), run_reference(op, options, data),
                     dtype == Dtype::kFloat32 ? 1e-5 : 1e-2);
      }
    }
  }
}

// More than 8 MB of weights are fetched ahead in stretches; more than 4 MB in few panels are divided by rows. As many
// bytes of gradients of inputs are written past the caches.
TEST_P(Dense, AgreesWithReferenceWhereOperandsAreFar) {
  for (const auto dtype : dtypes()) {
    const std::int64_t numbers = dtype == Dtype::kFloat32 ? 1 : 2;
    for (const Case& one : {Case{3, 17'000 * numbers, 128}, Case{40, 53'008 * numbers, 10}}) {
      SCOPED_TRACE(name_of(one, dtype));
      const ThreadScope threads(2);
      const Op op = dense_op(one, ActivationKind::kRelu);
      const BuildOptions options{one.batch, true, true, dtype, {}};
      const auto data = random_operands(op, one.batch);
      const auto tested = make_dense_operator(std::get<DenseOp>(op), options);
      ASSERT_NE(tested, nullptr);
      expect_close(run_operator(*tested, op, options, data), run_reference(op, options, data),
                   dtype == Dtype::kFloat32 ? 1e-5 : 1e-2);
    }
  }
}

TEST_P(Dense, EvaluatesAsItTrains) {
  for (const auto dtype : dtypes()) {
    const Op op = dense_op({9, 33, 20}, ActivationKind::kRelu);
    const auto data = random_operands(op, 9);
    const BuildOptions training{9, true, true, dtype, {}};
    const BuildOptions evaluation{9, false, true, dtype, {}};
    const auto trains = make_dense_operator(std::get<DenseOp>(op), training);
    const auto evaluates = make_dense_operator(std::get<DenseOp>(op), evaluation);
    EXPECT_EQ(run_operator(*evaluates, op, evaluation, data).output, run_operator(*trains, op, training, data).output);
  }
}

// Of many rows threads divide the rows where weights are near, and read far weights once for 256 rows and two panels,
// or all weights where rows have more than 32 MB.
TEST_P(Dense, GivesEachRowOfALargeBatchWhatASmallOneDoes) {
  const ThreadScope threads(2);
  for (const auto dtype : dtypes()) {
    const std::int64_t far = dtype == Dtype::kFloat32 ? 17'000 : 34'000;
    for (const Case& one : {Case{150, 64, 200}, Case{260, far * 12 / 17, 130}, Case{500, far, 66}}) {
      SCOPED_TRACE(name_of(one, dtype));
      const Op op = dense_op(one, ActivationKind::kRelu);
      const auto many = random_operands(op, one.batch);
      auto few = many;
      const std::vector<std::int64_t> rows{0, one.batch / 2, one.batch - 1};
      few.inputs[0].clear();
      for (const std::int64_t row : rows) {
        const auto begin = many.inputs[0].begin() + row * one.in;
        few.inputs[0].insert(few.inputs[0].end(), begin, begin + one.in);
      }
      few.output_grad.resize(rows.size() * static_cast<std::size_t>(one.out));
      const auto output = [&](std::int64_t batch, const auto& data) {
        const BuildOptions options{batch, false, false, dtype, {}};
        return run_operator(*make_dense_operator(std::get<DenseOp>(op), options), op, options, data).output;
      };
      const auto all = output(one.batch, many);
      std::vector<float> chosen;
      for (const std::int64_t row : rows) {
        chosen.insert(chosen.end(), all.begin() + row * one.out, all.begin() + (row + 1) * one.out);
      }
      EXPECT_EQ(chosen, output(std::ssize(rows), few));
    }
  }
}

TEST_P(Dense, IsTheSameForAnyNumberOfThreads) {
  for (const auto dtype : dtypes()) {
    for (const Case& one :
         {Case{64, 300, 130}, Case{64, 300, 120}, Case{33, 100, 300}, Case{130, 64, 200}, Case{130, 64, 100}}) {
      SCOPED_TRACE(name_of(one, dtype));
      const Op op = dense_op(one, ActivationKind::kRelu);
      const BuildOptions options{one.batch, true, true, dtype, {}};
      const auto data = random_operands(op, one.batch);
      const auto result = [&](int threads) {
        const ThreadScope scope(threads);
        const auto tested = make_dense_operator(std::get<DenseOp>(op), options);
        return run_operator(*tested, op, options, data);
      };
      const auto serial = result(1);
      EXPECT_EQ(result(2), serial);
      EXPECT_EQ(result(3), serial);
      EXPECT_EQ(result(4), serial);
    }
  }
}

TEST_P(Dense, UpdatesInPassingAsAfterwards) {
  for (const auto dtype : dtypes()) {
    for (const Case& one : {Case{5, 17, 33}, Case{33, 70, 10}, Case{64, 300, 130}, Case{64, 300, 100},
                            Case{120, 600, 130}, Case{140, 40, 12}}) {
      for (const auto& rules : optimizers()) {
        for (const int threads : {1, 2}) {
          SCOPED_TRACE(name_of(one, dtype));
          const ThreadScope scope(threads);
          const BuildOptions options{one.batch, true, one.in != 40, dtype, {}};
          const DenseOp op = dense_op(one, ActivationKind::kRelu, one.in != 17);
          TrainedOperator fused(make_dense_operator(op, options), op, options);
          TrainedOperator stored(make_dense_operator(op, options), op, options);
          fused.run(rules, true);
          stored.run(rules, false);
          fused.expect_equal(stored);
        }
      }
    }
  }
}

TEST_P(Dense, UpdatesFromMemoryAsAfterwards) {
  const ThreadScope threads(2);
  for (const auto dtype : dtypes()) {
    const Case one{5, dtype == Dtype::kFloat32 ? 17'000 : 34'000, 120};
    SCOPED_TRACE(name_of(one, dtype));
    for (const UpdateRule& rule :
         {UpdateRule(SgdRule{0.1F, 0, false, 0.1F}), UpdateRule(SgdRule{0.1F, 0.9F, true, 0.01F}),
          UpdateRule(AdamRule{0.01F, 0.8, 0.99, 1e-3F, 0.1F, 1})}) {
      // With the gradient of the input, where there is one.
      const BuildOptions options{one.batch, true, rule.sgd() == nullptr || rule.sgd()->momentum > 0, dtype, {}};
      const DenseOp op = dense_op(one, ActivationKind::kRelu);
      TrainedOperator fused(make_dense_operator(op, options), op, options);
      TrainedOperator stored(make_dense_operator(op, options), op, options);
      fused.run({rule, rule}, true);
      stored.run({rule, rule}, false);
      fused.expect_equal(stored);
    }
  }
}

TEST_P(Dense, ANotANumberReachesTheOutput) {
  for (const auto dtype : dtypes()) {
    const Op op = dense_op({4, 20, 16}, ActivationKind::kRelu);
    const BuildOptions options{4, false, true, dtype, {}};
    auto data = random_operands(op, 4);
    data.inputs[0][25] = std::numeric_limits<float>::quiet_NaN();
    const auto tested = make_dense_operator(std::get<DenseOp>(op), options);
    const auto output = run_operator(*tested, op, options, data).output;
    for (std::size_t i = 0; i < output.size(); ++i) {
      EXPECT_EQ(std::isnan(output[i]), i / 16 == 1) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Dense, testing::all_targets(), testing::target_name());

TEST(DensePanels, AreWhereTheFormulaSays) {
  for (const auto dtype : {Dtype::kFloat32, Dtype::kBfloat16}) {
    for (const auto& [in, out] : {std::pair{20, 10}, std::pair{5, 30}, std::pair{33, 100}}) {
      const auto layout = dense_panel_layout(in, out, dtype);
      const auto panels = dense_panels_of(layout, dtype);
      ASSERT_TRUE(panels);
      ASSERT_EQ(panels->panel_size() * panels->panels, static_cast<std::size_t>(layout.packed_size()));
      const auto plain = random_numbers(in * out, 1);
      std::vector<float> packed(static_cast<std::size_t>(layout.packed_size()));
      layout.pack(plain, packed);
      std::vector<float> by_rows(packed.size(), 1.0F);
      layout.pack([&](std::size_t first,
                      std::span<float> numbers) { std::copy_n(&plain[first], numbers.size(), numbers.begin()); },
                  by_rows);
      ASSERT_EQ(by_rows, packed);
      const auto& p = *panels;
      for (std::size_t i = 0; i < p.in; ++i) {
        for (std::size_t o = 0; o < p.out; ++o) {
          const std::size_t at =
              o / p.width * p.rows * p.width + i / p.group * p.group * p.width + o % p.width * p.group + i % p.group;
          ASSERT_EQ(packed[at], plain[i * p.out + o]) << i << ", " << o;
        }
      }
    }
  }
}

TEST(DensePanels, AreNothingElse) {
  EXPECT_FALSE(dense_panels_of(WeightLayout::plain({20, 10}), Dtype::kFloat32));
  EXPECT_FALSE(dense_panels_of(WeightLayout::plain({10}), Dtype::kFloat32));
  EXPECT_FALSE(dense_panels_of(dense_panel_layout(20, 10, Dtype::kBfloat16), Dtype::kFloat32));
  const DenseOp op{1, 20, 10, false, ActivationKind::kLinear};
  const BuildOptions plain{4, true, true, Dtype::kFloat32, {WeightLayout::plain({20, 10})}};
  EXPECT_FALSE(is_dense_supported(op, plain));
  EXPECT_NE(make_operator(op, plain), nullptr);
}

}  // namespace
}  // namespace lapel::kernels
