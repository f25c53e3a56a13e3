#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "lapel/report.h"
#include "report/golden.h"

namespace lapel {
namespace {

using testing::golden;

Progress at(std::int64_t step, std::int64_t steps, double seconds, double accuracy, double loss) {
  return {
      .epoch = 3, .epochs = 10, .step = step, .steps = steps, .accuracy = accuracy, .loss = loss, .seconds = seconds};
}

TEST(ProgressLine, IsKeras) {
  const std::vector<Progress> cases{
      at(0, 1875, 0, 0, 0),
      at(1, 1875, 0.0021, 0.0625, 2.3456),
      at(120, 1875, 0.36, 0.8234, 0.4921),
      at(1874, 1875, 5.1, 0.9999, 0.001),
      at(1875, 1875, 5.1, 1, 0.00012345),
      at(1, 100, 36.37, 0.5, 1),
      at(40, 100, 40, 0.5, 1),
      at(39, 100, 39, 0.5, 1),
      at(10, 1000, 85.5, 0.5, 12345.678),
      at(4, 9, 0.00034, 0.25, 1e-3),
      at(10, 10, 119.5, 0.25, std::numeric_limits<double>::quiet_NaN()),
  };
  std::string lines;
  for (const Progress& progress : cases) {
    lines += progress_line(progress) + "\n";
  }
  EXPECT_EQ(lines, golden("progress.txt"));
}

TEST(ProgressLine, WithoutStepsIsStillALine) {
  EXPECT_EQ(progress_line(at(0, 0, 0, 0.5, 0.5)),
            "0/0 ──────────────────── 0s 0s/step - accuracy: 0.5000 - loss: 0.5000");
}

TEST(EpochLine, IsKerasAfterTheNumberOfTheEpoch) {
  const EpochResult validated{3, 0.8234, 0.4921, 0.8512, 0.4101, 0.001, 4.1};
  const EpochResult plain{10, 0.99995, 0.0005, {}, {}, 0.001, 0.0797};
  const std::string text = golden("epoch.txt");
  const std::size_t end = text.find('\n');
  EXPECT_EQ(epoch_line(validated, at(1875, 1875, 4, 0.8234, 0.4921)), "Epoch 3/10 - " + text.substr(0, end));
  EXPECT_EQ(epoch_line(plain, at(938, 938, 0.08, 0, 0)) + "\n", "Epoch 10/10 - " + text.substr(end + 1));
}

TEST(EpochLine, OfAnInterruptedEpochCountsTheStepsDone) {
  const EpochResult result{1, 0.5, 1.0, {}, {}, 0.001, 2.5};
  EXPECT_EQ(epoch_line(result, at(10, 1875, 2.5, 0.5, 1.0)),
            "Epoch 1/10 -   10/1875 - 2s - 250ms/step - accuracy: 0.5000 - loss: 1.0000");
}

}  // namespace
}  // namespace lapel
