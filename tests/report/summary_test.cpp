#include "lapel/summary.h"

#include <gtest/gtest.h>

#include "lapel/report.h"
#include "report/golden.h"

namespace lapel {
namespace {

using testing::golden;

TEST(SummaryText, OfASequentialModelIsKeras) {
  const Summary summary{.name = "mlp-512",
                        .sequential = true,
                        .rows = {{"flatten", "Flatten", "(None, 784)", 0, {}},
                                 {"dense", "Dense", "(None, 512)", 401920, {"flatten"}},
                                 {"dense_1", "Dense", "(None, 10)", 5130, {"dense"}}},
                        .trainable = 407050};
  EXPECT_EQ(to_text(summary), golden("summary_mlp.txt"));
}

TEST(SummaryText, WrapsAndCutsLongNamesAsKerasDoes) {
  const Summary summary{
      .name = "wide",
      .sequential = true,
      .rows = {{"a_convolution_with_a_very_long_name_indeed_so", "Conv2D", "(None, 26, 26, 32)", 320, {}},
               {"max_pooling2d", "MaxPooling2D", "(None, 13, 13, 32)", 0, {}},
               {"first pool of all", "GlobalAveragePooling2D", "(None, 32)", 0, {}},
               {"größe_der_schicht_bleibt_gleich", "Dropout", "(None, 32)", 0, {}},
               {"thirty_one_wide_with_typ", "Dense", "(None, 10)", 330, {}}},
      .trainable = 650};
  EXPECT_EQ(to_text(summary), golden("summary_long_names.txt"));
}

TEST(SummaryText, CountsFrozenParametersApart) {
  const Summary summary{
      .name = "large",
      .sequential = true,
      .rows = {{"frozen", "Dense", "(None, 1000)", 20001000, {}}, {"dense", "Dense", "(None, 20000)", 20020000, {}}},
      .trainable = 20020000,
      .non_trainable = 20001000};
  EXPECT_EQ(to_text(summary), golden("summary_large.txt"));
}

TEST(SummaryText, OfAGraphShowsConnectionsAsKerasDoes) {
  const Summary summary{.name = "residual",
                        .sequential = false,
                        .rows = {{"input_layer", "InputLayer", "(None, 28, 28, 1)", 0, {}},
                                 {"conv2d", "Conv2D", "(None, 28, 28, 32)", 320, {"input_layer"}},
                                 {"conv2d_1", "Conv2D", "(None, 28, 28, 32)", 9248, {"conv2d"}},
                                 {"add", "Add", "(None, 28, 28, 32)", 0, {"conv2d", "conv2d_1"}},
                                 {"global_average_pooling2d", "GlobalAveragePooling2D", "(None, 32)", 0, {"add"}},
                                 {"dense", "Dense", "(None, 10)", 330, {"global_average_pooling2d"}}},
                        .trainable = 9898};
  EXPECT_EQ(to_text(summary), golden("summary_graph.txt"));
}

}  // namespace
}  // namespace lapel
