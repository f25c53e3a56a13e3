#include "lapel/classifier.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

#include "lapel/error.h"
#include "lapel/train.h"
#include "support/messages.h"
#include "support/tiny.h"

namespace lapel {
namespace {

using test::message_of;

/// Convolutions, so that oneDNN's memory is in play as well.
Classifier small_classifier() {
  Recipe recipe;
  recipe.name = "tiny";
  recipe.layers = test::residual_layers(4);
  recipe.train.epochs = 1;
  recipe.train.batch_size = 8;
  recipe.train.threads = 1;
  return train(recipe, test::tiny_data(40, 8)).classifier;
}

/// Calls `body` on so many threads at the same time.
template <class F>
void at_once(int count, const F& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&body, i] { body(i); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
}

TEST(ClassifierInThreads, CopiesAndOneForAllGiveTheSameAnswers) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 10;
  const Classifier classifier = small_classifier();
  const LabeledPictures pictures = test::tiny_pictures(37, 8, 6, 1, 4, 3);
  const std::vector<float> wanted = classifier.predict(pictures.pictures);
  const double loss = classifier.evaluate(pictures, "test").score.loss;
  std::vector<int> different(kThreads, 0);
  at_once(kThreads, [&](int thread) {
    const Classifier copy = classifier;
    const Classifier& used = thread % 2 == 0 ? copy : classifier;
    for (int round = 0; round < kRounds; ++round) {
      different[static_cast<std::size_t>(thread)] += used.predict(pictures.pictures) != wanted ? 1 : 0;
      different[static_cast<std::size_t>(thread)] += used.evaluate(pictures, "test").score.loss != loss ? 1 : 0;
    }
  });
  EXPECT_EQ(different, std::vector<int>(kThreads, 0));
}

TEST(ClassifierCopies, HaveSettingsOfTheirOwn) {
  const Classifier classifier = small_classifier();
  const Pictures pictures = test::tiny_pictures(5, 8, 6, 1, 4, 3).pictures;
  const std::vector<float> wanted = classifier.predict(pictures);
  Classifier copy = classifier;
  copy.use_test_time_augmentation("flip");
  copy.use_precision("bfloat16");
  EXPECT_EQ(classifier.test_time_augmentation(), "none");
  EXPECT_EQ(classifier.precision(), "float32");
  EXPECT_NE(copy.predict(pictures), wanted);
  EXPECT_EQ(classifier.predict(pictures), wanted);
  copy = classifier;
  EXPECT_EQ(copy.predict(pictures), wanted);
}

TEST(ClassifierInput, IsWhatItSaysItIs) {
  const Classifier classifier = small_classifier();
  Pictures pictures = test::tiny_pictures(2, 8, 6, 1, 4, 3).pictures;
  pictures.count = 100000;
  EXPECT_EQ(message_of([&] { return classifier.predict(pictures); }),
            "pictures: there are not as many pixels as count and size say\n"
            "  pictures  100000 of 8 x 6 x 1        pixels  96        try  count x height x width x channels pixels");
  pictures.count = std::numeric_limits<std::int64_t>::max();  // The product wraps around.
  EXPECT_THROW((void)classifier.predict(pictures), Error);
  pictures.count = -1;
  EXPECT_THROW((void)classifier.predict(pictures), Error);
  LabeledPictures labelled = test::tiny_pictures(2, 8, 6, 1, 4, 3);
  labelled.labels.pop_back();
  EXPECT_EQ(message_of([&] { return classifier.evaluate(labelled, "test"); }),
            "test: there are not as many labels as pictures\n  pictures  2        labels  1");
}

TEST(TrainInput, IsWhatItSaysItIs) {
  Recipe recipe;
  recipe.layers = {test::layer("Flatten"), test::layer("Dense", {{"units", std::int64_t{4}}})};
  DataSet data = test::tiny_data(40, 8);
  data.train.labels[7] = 4;
  EXPECT_EQ(message_of([&] { return train(recipe, data); }),
            "train[7]: label 4 is beyond the classes\n  classes  4        try  a class name for each label");
  EXPECT_THROW((void)describe(data), Error);
  data = test::tiny_data(40, 8);
  data.test.pictures.count = 9;
  EXPECT_THROW((void)train(recipe, data), Error);
  EXPECT_THROW((void)division_counts(data, {}), Error);
}

}  // namespace
}  // namespace lapel
