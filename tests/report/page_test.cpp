#include <gtest/gtest.h>

#include "lapel/report.h"
#include "report/golden.h"
#include "report/samples.h"

namespace lapel {
namespace {

constexpr std::string_view kDataText = R"(clothes, from /data/clothes
train: 4 pictures of 28 x 28 pixels, 1 channel (grey), values 0-255, mean 72.94, std 90.02
test: 1 picture of 28 x 28 pixels, 1 channel (grey), values 3-200, mean 70.50, std 80.25

+---------+---------+---------+-----------+--------+----------+
|   Label | Class   |   train |   train % |   test |   test % |
+=========+=========+=========+===========+========+==========+
|       0 | Bag     |       1 |     25.00 |      0 |     0.00 |
+---------+---------+---------+-----------+--------+----------+
|       1 | Coat    |       3 |     75.00 |      1 |   100.00 |
+---------+---------+---------+-----------+--------+----------+
)";

TEST(DataText, HasALineForEachSplitAndOneTable) { EXPECT_EQ(to_text(testing::sample_data()), kDataText); }

TEST(DataText, OfColourPicturesWithoutNamesOrLabels) {
  const DataDescription data{
      .name = "x", .location = "/x", .class_names = {}, .splits = {{"train", {0, 8, 9, 3}, 0, 0, 0, 0, {0, 0}}}};
  EXPECT_EQ(to_text(data), R"(x, from /x
train: 0 pictures of 8 x 9 pixels, 3 channels (RGB), values 0-0, mean 0.00, std 0.00

+---------+---------+---------+-----------+
|   Label |   Class |   train | train %   |
+=========+=========+=========+===========+
|       0 |       0 |       0 |           |
+---------+---------+---------+-----------+
|       1 |       1 |       0 |           |
+---------+---------+---------+-----------+
)");
}

TEST(PredictionText, IsOneLineForTheBest) {
  const std::vector<PredictionRow> rows{{"coat.png", "", {{1, "Coat", 0.99984}}}, {"test[3]", "Bag", {{1, "Coat", 1}}}};
  EXPECT_EQ(to_text(rows),
            "coat.png: Coat 0.9998 (99.98%)\n"
            "test[3]: Coat 1.0000 (100.00%), actual: Bag\n");
}

TEST(PredictionText, IsAListForSeveral) {
  EXPECT_EQ(to_text(testing::sample_predictions()),
            "coat.png:\n"
            "  1. Coat  0.9998 (99.98%)\n"
            "  2. Bag   0.0002 (0.02%)\n"
            "test[3], actual: Bag\n"
            "  1. Coat  0.7500 (75.00%)\n"
            "  2. Bag   0.2500 (25.00%)\n");
}

TEST(RunReport, IsAWholePage) {
  RunRecord record = testing::sample_record();
  const Evaluation evaluation = testing::sample_evaluation();
  record.test = evaluation.score;
  const auto history = testing::sample_history();
  EXPECT_EQ(run_report(testing::sample_data(), testing::sample_summary(), history, record, &evaluation),
            testing::golden("run_report.txt"));
}

TEST(RunReport, OfAnInterruptedRunSaysSoAndLeavesOutWhatIsNotThere) {
  RunRecord record = testing::sample_record();
  record.status = "interrupted";
  record.validation = {};
  record.epochs = 1;
  const std::vector<EpochResult> history{{1, 0.5, 0.75, {}, {}, 0.001, 0.5}};
  EXPECT_EQ(run_report(testing::sample_data(), testing::sample_summary(), history, record, nullptr),
            testing::golden("run_report_interrupted.txt"));
}

}  // namespace
}  // namespace lapel
