#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "lapel/report.h"
#include "report/gnuplot.h"
#include "report/plot_data.h"
#include "report/text.h"

namespace lapel::report {

namespace {

constexpr std::size_t kLongestName = 24;  // Characters of a class name beside an axis.
constexpr std::size_t kLongestRun = 40;   // Of a curve.
constexpr int kCharacter = 7;             // Pixels that one takes, at most, at 10 points.

std::string tick_labels(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_mark(shortened(names[i], kLongestName)), i);
  }
  return text;
}

/// Pixels that the widest of the labels takes.
int label_width(const std::vector<std::string>& names) {
  std::size_t most = 1;
  for (const std::string& name : names) {
    most = std::max(most, std::min(text_width(name), kLongestName));
  }
  return static_cast<int>(most) * kCharacter;
}

/// How the labels of a horizontal axis stand, `step` pixels apart: upright where they fit, else slanted, ending at
/// their place; and how much height they take.
struct AxisLabels {
  std::string_view turn;
  int height;
};
AxisLabels axis_labels(const std::vector<std::string>& names, int step) {
  const int width = label_width(names);
  return width <= step - 6 ? AxisLabels{"norotate center", 18} : AxisLabels{"rotate by 40 right", 14 + width * 2 / 3};
}

/// Grey axes, a light grid, no box.
constexpr std::string_view kStyle =
    "set border 3 linecolor rgb '#555555'\n"
    "set tics nomirror out textcolor rgb '#222222'\n"
    "set grid ytics linetype 1 dashtype 1 linecolor rgb '#d8d8d8' linewidth 0.8\n";

/// Title and, below it, the key, in the head of a canvas; `columns` entries stand side by side, each some characters
/// wider than the longest.
std::string head(const std::string& title, int height, int columns, int wider) {
  return fmt::format(
      "set label 7 {} at screen 0.5, screen {} center font ',13'\n"
      "set key at screen 0.5, screen {} center top horizontal Left reverse samplen 3 width {} maxcols {}\n",
      gnuplot_text(title), 1 - 20.0 / height, 1 - 36.0 / height, wider, columns);
}

}  // namespace

namespace {

/// Of many classes: how many have how many pictures, the largest first.
Drawing draw_sorted_counts(const PlotData& data) {
  constexpr int kWidth = 760;
  constexpr int kHeight = 450;
  std::string script = fmt::format("@OUTPUT@{}", kStyle);
  for (const auto& [name, counts] : {std::pair("train", data.train_counts), std::pair("test", data.test_counts)}) {
    std::vector<std::int64_t> sorted = counts;
    std::ranges::sort(sorted, std::greater<>());
    script += fmt::format("${} << END\n{}\nEND\n", name, fmt::join(sorted, "\n"));
  }
  script += fmt::format(
      "{}set xlabel 'classes, the largest first'\nset ylabel 'pictures'\nset yrange [0:*]\nset tmargin at screen {}\n"
      "plot $train using ($0+1):1 with lines linewidth 2 linecolor rgb '#4878a8' title 'train', "
      "$test using ($0+1):1 with lines linewidth 2 dashtype (8,4) linecolor rgb '#222222' title 'test'",
      head("Pictures of each class: " + data.data_name, kHeight, 2, 2), 1 - 70.0 / kHeight);
  return {script, kWidth, kHeight};
}

}  // namespace

Drawing draw_class_counts(const PlotData& data) {
  if (data.class_names.size() > kMostClassesShown) {
    return draw_sorted_counts(data);
  }
  const bool tested = std::any_of(data.test_counts.begin(), data.test_counts.end(), [](auto n) { return n > 0; });
  const auto classes = static_cast<int>(data.class_names.size());
  const int step = classes <= 6 ? 110 : classes <= 16 ? 64 : 34;
  // The first slanted label reaches to the left of its bar.
  const int left = std::max(80, label_width(data.class_names) * 4 / 5 - step / 3);
  const int width = std::max(560, left + step * classes + 30);
  const AxisLabels labels = axis_labels(data.class_names, (width - left - 30) / (classes + 1));
  const int below = labels.height + 44;
  const int height = 350 + below;
  std::string script = fmt::format("@OUTPUT@{}$counts << END\n", kStyle);
  for (std::size_t i = 0; i < data.class_names.size(); ++i) {
    script += fmt::format("{} {} {}\n", i, data.train_counts[i], data.test_counts[i]);
  }
  script += fmt::format(
      "END\n{}set label 8 'class' at screen 0.5, screen {} center\nset ylabel 'pictures'\n"
      "set yrange [0:*]\n"
      "set xrange [-0.6:{}.6]\nset lmargin at screen {}\nset rmargin at screen {}\nset bmargin at screen {}\n"
      "set tmargin at screen {}\nset style fill solid 0.9 border linecolor rgb '#222222'\nset boxwidth 0.38\n"
      "set xtics ({}) {} scale 0\n"
      "plot $counts using ($1{}):2 with boxes linecolor rgb '#4878a8' title 'train'",
      head("Pictures of each class: " + data.data_name, height, 2, 2), 16.0 / height, classes - 1,
      static_cast<double>(left) / width, 1 - 30.0 / width, static_cast<double>(below) / height, 1 - 70.0 / height,
      tick_labels(data.class_names), labels.turn, tested ? "-0.2" : "");
  if (tested) {
    script += ", $counts using ($1+0.2):3 with boxes fillstyle pattern 4 linecolor rgb '#222222' title 'test'";
  }
  return {script, width, height};
}

Drawing draw_confusion(const PlotData& data) {
  const std::int64_t classes = data.confusion.classes;
  std::string cells;
  for (std::int64_t i = 0; i < classes; ++i) {
    std::int64_t sum = 0;
    for (std::int64_t j = 0; j < classes; ++j) {
      sum += data.confusion.at(i, j);
    }
    for (std::int64_t j = 0; j < classes; ++j) {
      const double share = sum == 0 ? 0.0 : static_cast<double>(data.confusion.at(i, j)) / static_cast<double>(sum);
      cells += fmt::format("{} {} {:.5f} {} {}\n", j, i, share, data.confusion.at(i, j),
                           share > 0.45 ? "0xffffff" : "0x222222");
    }
    cells += "\n";
  }
  constexpr std::int64_t kMostWithNumbers = 40;
  const int cell = classes <= 5 ? 90 : classes <= 12 ? 56 : classes <= kMostWithNumbers ? 34 : 16;
  const int font = classes <= 12 ? 10 : 8;
  const std::string numbers =
      classes > kMostWithNumbers
          ? ""
          : fmt::format(", $cells using 1:2:(sprintf('%d',$4)):5 with labels font ',{}' textcolor rgb variable notitle",
                        font);
  const int side = static_cast<int>(classes) * cell;
  const AxisLabels labels = axis_labels(data.class_names, cell);
  const int left = label_width(data.class_names) + 50;
  const int right = 100;
  const int above = 46;
  const int below = labels.height + 44;
  const int width = left + side + right;
  const int height = above + side + below;
  const std::string names = tick_labels(data.class_names);
  std::string script = fmt::format(
      "@OUTPUT@$cells << END\n{}END\n"
      "set title {} font ',13'\nset label 8 'predicted class' at screen {}, screen {} center\n"
      "set label 9 'actual class' at screen {}, screen {} center rotate by 90\n"
      "set lmargin at screen {}\nset rmargin at screen {}\nset tmargin at screen {}\nset bmargin at screen {}\n"
      "set xrange [-0.5:{}.5]\nset yrange [{}.5:-0.5]\nset cbrange [0:1]\nset cblabel 'share of the actual class'\n"
      "set palette defined (0 '#ffffff', 0.15 '#d5e3f0', 0.5 '#6f9fc8', 1 '#123c69')\n"
      "set tics scale 0 nomirror textcolor rgb '#222222'\nset xtics ({}) {} font ',{}'\nset ytics ({}) font ',{}'\n"
      "set border linecolor rgb '#555555'\n"
      "set colorbox user origin screen {}, screen {} size screen {}, screen {} noborder\n"
      "plot $cells using 1:2:3 with image pixels notitle{}",
      cells, gnuplot_text(fmt::format("Confusion matrix: {}, test pictures", data.name)), (left + side / 2.0) / width,
      16.0 / height, 14.0 / width, (below + side / 2.0) / height, static_cast<double>(left) / width,
      static_cast<double>(left + side) / width, 1 - static_cast<double>(above) / height,
      static_cast<double>(below) / height, classes - 1, classes - 1, names, labels.turn, font, names, font,
      (left + side + 16.0) / width, static_cast<double>(below) / height, 16.0 / width,
      static_cast<double>(side) / height, numbers);
  return {script, width, height};
}

namespace {

/// Epochs between two marks of the axis: 1, 2 or 5 times a power of ten, for at most 12 marks.
std::size_t epoch_step(std::size_t epochs) {
  constexpr std::size_t kMarks = 12;
  for (std::size_t power = 1;; power *= 10) {
    for (const std::size_t digit : {1, 2, 5}) {
      if (epochs <= kMarks * digit * power) {
        return digit * power;
      }
    }
  }
}

// Told apart without colour: by dashes and by the shape of the points.
struct Look {
  std::string color;
  std::string_view dash;
  int point;
};

/// The look of the curve with this number. No two curves have the same colour, nor dash and points together.
Look look_of(std::size_t index) {
  constexpr std::array<std::string_view, 6> kColors = {"#1f5a94", "#c1440e", "#2e7d32",
                                                       "#6a3d9a", "#7a5c00", "#222222"};
  constexpr std::array<std::string_view, 5> kDashes = {"1", "(18,5)", "(18,5,3,5)", "(8,4)", "(3,4)"};
  constexpr std::array<int, 13> kPoints = {7, 5, 9, 13, 11, 6, 4, 8, 12, 10, 1, 2, 3};
  std::string color(kColors[std::min(index, kColors.size() - 1)]);
  if (index >= kColors.size()) {
    // Hues by the golden ratio, which never meet; every other one darker.
    constexpr double kGolden = 0.6180339887498949;
    const double hue = std::fmod(static_cast<double>(index) * kGolden, 1.0);
    const double light = index % 2 == 0 ? 0.75 : 0.45;
    const auto channel = [&](double shift) {
      const double wave = std::abs(std::fmod(hue * 6 + shift, 6.0) - 3) - 1;
      return static_cast<int>(std::lround(255 * light * std::clamp(wave, 0.0, 1.0)));
    };
    color = fmt::format("#{:02x}{:02x}{:02x}", channel(0), channel(4), channel(2));
  }
  return {std::move(color), kDashes[index % kDashes.size()], kPoints[index % kPoints.size()]};
}

}  // namespace

Drawing draw_curves(const std::vector<Curve>& curves, const std::string& title, const std::string& axis, int best) {
  std::string script = fmt::format("@OUTPUT@{}", kStyle);
  std::string plots;
  std::size_t epochs = 1;
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -lowest;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    script += fmt::format("$c{} << END\n", i);
    for (const auto& [x, y] : curves[i].points) {
      script += fmt::format("{} {:.6g}\n", x, y);
      lowest = std::min(lowest, y);
      highest = std::max(highest, y);
    }
    script += "END\n";
    epochs = std::max(epochs, curves[i].points.size());
    const Look look = look_of(i);
    plots += fmt::format(
        "{}$c{} using 1:2 with linespoints linewidth 2 dashtype {} pointtype {} pointsize 0.9 pointinterval {} "
        "linecolor rgb "
        "'{}' title {}",
        i == 0 ? "" : ", ", i, look.dash, look.point, std::max<std::size_t>(1, curves[i].points.size() / 20),
        look.color, gnuplot_text(shortened(curves[i].name, kLongestRun)));
  }
  if (best != 0 && !curves.empty() && !curves.back().points.empty()) {
    const auto& points = curves.back().points;
    const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
    const auto at = best > 0 ? std::max_element(points.begin(), points.end(), less)
                             : std::min_element(points.begin(), points.end(), less);
    script += fmt::format("$best << END\n{} {:.6g}\nEND\n", at->first, at->second);
    script += fmt::format(
        "set arrow 1 from first {0}, graph 0 to first {0}, graph 1 nohead dashtype 3 linecolor rgb '#888888'\n",
        at->first);
    plots += fmt::format(
        ", $best using 1:2 with points pointtype 6 pointsize 2.2 linewidth 2 linecolor rgb '#222222' title {}",
        gnuplot_text(fmt::format("best: epoch {:g}, {:.4f}", at->first, at->second)));
  }
  // One line of the key for the two curves of a run and their mark; two columns for the runs of a comparison.
  constexpr int kRow = 17;
  const int columns = best != 0 ? 3 : 2;
  const int rows = (static_cast<int>(curves.size()) + columns - 1) / columns;
  const int height = 430 + kRow * rows;
  // No axis goes beyond an accuracy of 1.
  const double room = std::max(0.06 * (highest - lowest), 0.005 * std::abs(highest) + 1e-6);
  const double top = axis == "accuracy" ? std::max(highest, std::min(highest + room, 1.0)) : highest + room;
  script += fmt::format(
      "{}set xlabel 'epoch'\nset ylabel {}\nset xrange [{}:{}]\nset xtics {}\n"
      "set yrange [{:.6g}:{:.6g}]\nset rmargin 3\nset tmargin at screen {}\nplot {}",
      head(title, height, columns, best != 0 ? -5 : 2), gnuplot_text(axis), epochs == 1 ? "0.5" : "1",
      epochs == 1 ? "1.5" : fmt::format("{}", epochs), epoch_step(epochs), lowest - room, top,
      1 - (46.0 + kRow * rows) / height, plots);
  return {script, 760, height};
}

}  // namespace lapel::report
