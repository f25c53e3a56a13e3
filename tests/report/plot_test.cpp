#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/rng.h"
#include "formats/bytes.h"
#include "formats/picture.h"
#include "lapel/error.h"
#include "report/gnuplot.h"
#include "report/plot_data.h"
#include "support/messages.h"
#include "support/temp_folder.h"
#include "support/tiny.h"

namespace lapel::report {
namespace {

namespace fs = std::filesystem;

class Plot : public ::testing::Test {
 private:
  const testing::TempFolder temp_;

 protected:
  /// Draws it as PNG, and checks its size, that something is on it, and that nothing is left beside it.
  void expect_drawn(const Drawing& drawing) const {
    const fs::path file = root_ / "it.png";
    run_gnuplot(drawing.script, file, drawing.width, drawing.height);
    const auto picture = formats::with_channels(formats::read_picture_file(file), 1);
    EXPECT_EQ(picture.width, drawing.width);
    EXPECT_EQ(picture.height, drawing.height);
    const auto dark =
        std::count_if(picture.pixels.begin(), picture.pixels.end(), [](auto pixel) { return pixel < 128; });
    EXPECT_GT(dark, 300);
    EXPECT_EQ(std::distance(fs::directory_iterator(root_), fs::directory_iterator()), 1);
  }

  const fs::path& root_ = temp_.path();
};

/// What a run on made-up pictures would leave, for any number of classes and channels.
PlotData sample(int classes, std::int64_t channels, const std::string& name) {
  DataSet data;
  data.name = name;
  for (int i = 0; i < classes; ++i) {
    data.class_names.push_back(name + " " + std::to_string(i));
  }
  data.train = test::tiny_pictures(150, 8, 6, channels, classes, 1);
  data.test = test::tiny_pictures(60, 8, 6, channels, classes, 2);
  std::vector<float> probabilities;
  const RandomStream random{1, RandomPurpose::kTest, 5, 0, 0};
  for (std::uint64_t i = 0; i < 60; ++i) {
    float sum = 0;
    const std::size_t row = probabilities.size();
    for (int j = 0; j < classes; ++j) {
      probabilities.push_back(random.uniform(i * 64 + static_cast<std::uint64_t>(j)) + 0.01F);
      sum += probabilities.back();
    }
    for (std::size_t j = row; j < probabilities.size(); ++j) {
      probabilities[j] /= sum;
    }
  }
  const Evaluation evaluation = evaluate_predictions("test", data.class_names, probabilities, data.test.labels);
  return plot_data(name, data, &evaluation, probabilities);
}

TEST_F(Plot, EveryKindForFewAndManyClasses) {
  for (const auto& [classes, channels, name] :
       {std::tuple{2, 1, "'it's 50%'"}, {10, 3, "class"}, {47, 1, "a name that is far too long to be shown"}}) {
    SCOPED_TRACE(classes);
    const PlotData data = sample(classes, channels, name);
    expect_drawn(draw_samples(data, data.train_samples, "samples"));
    expect_drawn(draw_class_counts(data));
    expect_drawn(draw_confusion(data));
    expect_drawn(draw_predictions(data, data.predictions, "predictions"));
    expect_drawn(draw_predictions(data, data.mistakes, "mistakes"));
  }
}

/// gnuplot's files lay beside the plot under names that anybody could foresee.
TEST_F(Plot, LinksThatWaitBesideItAreNotFollowed) {
  const fs::path victim = root_ / "victim";
  formats::write_text_file(victim, "precious");
  fs::create_directory(root_ / "it's plots");
  for (const char* name : {".it.png.words", ".it.png.drawn", ".it.png.gnuplot", "it.png"}) {
    fs::create_symlink(victim, root_ / "it's plots" / name);
  }
  const Drawing drawing = draw_class_counts(sample(3, 1, "'"));
  run_gnuplot(drawing.script, root_ / "it's plots" / "it.png", drawing.width, drawing.height);
  EXPECT_EQ(formats::read_text_file(victim), "precious");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(root_ / "it's plots" / "it.png")));
}

TEST_F(Plot, OfThousandsOfClasses) {
  PlotData data = sample(3, 1, "class");
  for (int i = 0; i < 5000; ++i) {
    data.class_names.push_back(std::to_string(i));
    data.train_counts.push_back(i % 97);
    data.test_counts.push_back(i % 13);
  }
  expect_drawn(draw_class_counts(data));
}

TEST_F(Plot, CurvesOfOneEpochAndOfMany) {
  std::vector<Curve> curves = {{"training", {{1, 0.5}}}, {"validation", {{1, 0.4}}}};
  expect_drawn(draw_curves(curves, "one", "accuracy", 1));
  for (int epoch = 2; epoch <= 130; ++epoch) {
    curves[0].points.emplace_back(epoch, 1 - 0.5 / epoch);
    curves[1].points.emplace_back(epoch, 0.9 - 0.4 / epoch + 0.0005 * (epoch % 7));
  }
  expect_drawn(draw_curves(curves, "many", "accuracy", 1));
  expect_drawn(draw_curves(curves, "many", "loss", -1));
}

TEST_F(Plot, SvgIsText) {
  const PlotData data = sample(3, 1, "class");
  const Drawing drawing = draw_confusion(data);
  run_gnuplot(drawing.script, root_ / "it.svg", drawing.width, drawing.height);
  const std::string text = formats::read_text_file(root_ / "it.svg");
  EXPECT_NE(text.find("<svg"), std::string::npos);
  EXPECT_NE(text.find("</svg>"), std::string::npos);
  EXPECT_NE(text.find("class 2"), std::string::npos);
}

TEST_F(Plot, Errors) {
  const auto drawn = [&](const char* script, const char* name) {
    return test::message_of([&] {
      run_gnuplot(script, root_ / name, 100, 100);
      return 0;
    });
  };
  EXPECT_EQ(drawn("@OUTPUT@plot x", "it.pdf"),
            (root_ / "it.pdf").string() + ": a plot is a .png or a .svg file\n  try  " + (root_ / "it.png").string());
  const std::string words = drawn("@OUTPUT@plot nonsense(3)", "it.png");
  EXPECT_EQ(words.substr(0, words.find('\n')), (root_ / "it.png").string() + ": gnuplot could not draw it");
  EXPECT_NE(words.find("nonsense"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST(PlotDataJson, ComesBackAsItWas) {
  const PlotData data = sample(4, 3, "class");
  const PlotData again = plot_data_from_json(to_json(data), "x");
  EXPECT_EQ(to_json(again), to_json(data));
  EXPECT_EQ(again.confusion.cells, data.confusion.cells);
  EXPECT_EQ(again.mistakes.front().pixels, data.mistakes.front().pixels);
}

TEST(PlotDataContent, LargePicturesAreKeptSmall) {
  DataSet data;
  data.class_names = {"a", "b"};
  data.train = test::tiny_pictures(4, 224, 112, 3, 2, 1);
  const PlotData large = plot_data("large", data, nullptr, {});
  EXPECT_EQ(large.height, 112);
  EXPECT_EQ(large.width, 56);
  EXPECT_EQ(large.train_samples.front().pixels.size(), 112U * 56 * 3);
  data.train = test::tiny_pictures(4, 28, 20, 1, 2, 1);
  EXPECT_EQ(plot_data("small", data, nullptr, {}).train_samples.front().pixels.size(), 28U * 20);
}

TEST(PlotDataJson, OtherTextIsRefused) {
  const std::string text = to_json(sample(4, 1, "class"));
  for (const std::string& damaged : {std::string("{}"), text.substr(0, text.size() / 2), std::string("[1]")}) {
    const std::string words = test::message_of([&] { return plot_data_from_json(damaged, "run/plots/data.json"); });
    EXPECT_EQ(words.substr(0, words.find(": it ")), "run/plots/data.json: is not what a training wrote there");
  }
}

/// The surest wrong answers come first, and all of them are wrong.
TEST(PlotDataContent, MistakesAreTheSurestOnes) {
  const PlotData data = sample(5, 1, "class");
  float before = 1;
  ASSERT_FALSE(data.mistakes.empty());
  for (const auto& picture : data.mistakes) {
    const auto best = std::max_element(picture.probabilities.begin(), picture.probabilities.end());
    EXPECT_NE(best - picture.probabilities.begin(), picture.label);
    EXPECT_LE(*best, before);
    before = *best;
  }
  EXPECT_EQ(data.predictions.size(), 12U);
  EXPECT_EQ(data.predictions[3].index, 3);
}

TEST(GnuplotText, QuotesAndLinesDoNothing) {
  EXPECT_EQ(gnuplot_text("it's"), "'it’s'");
  EXPECT_EQ(gnuplot_text("a\nb"), "'a b'");
  EXPECT_EQ(gnuplot_mark("50% d'or"), "'50%% d’or'");
}

}  // namespace
}  // namespace lapel::report
