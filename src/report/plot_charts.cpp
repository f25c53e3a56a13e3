#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/gnuplot.h"
#include "report/plot_data.h"
#include "report/text.h"

namespace lapel::report {

namespace {

std::string tick_labels(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", gnuplot_text(shortened(names[i], most)), i);
  }
  return text;
}

/// Grey axes, a light grid, no box.
constexpr std::string_view kStyle =
    "set border 3 linecolor rgb '#555555'\n"
    "set tics nomirror out textcolor rgb '#222222'\n"
    "set grid ytics linecolor rgb '#dddddd' linewidth 1\n";

}  // namespace

Drawing draw_class_counts(const PlotData& data) {
  const bool tested = std::any_of(data.test_counts.begin(), data.test_counts.end(), [](auto n) { return n > 0; });
  std::string script = fmt::format("@OUTPUT@{}$counts << END\n", kStyle);
  for (std::size_t i = 0; i < data.class_names.size(); ++i) {
    script += fmt::format("{} {} {}\n", i, data.train_counts[i], data.test_counts[i]);
  }
  script += fmt::format(
      "END\nset title {} font ',13'\nset ylabel 'pictures'\nset yrange [0:*]\nset xrange [-0.6:{}.6]\n"
      "set style fill solid 0.9 border linecolor rgb '#222222'\nset boxwidth 0.38\nset key outside right top\n"
      "set xtics ({}) rotate by -35 scale 0\nset offsets 0,0,graph 0.05,0\n"
      "plot $counts using ($1{}):2 with boxes linecolor rgb '#4878a8' title 'train'",
      gnuplot_text("Pictures by class: " + data.name), data.class_names.size() - 1, tick_labels(data.class_names, 18),
      tested ? "-0.2" : "");
  if (tested) {
    script += ", $counts using ($1+0.2):3 with boxes fillstyle pattern 4 linecolor rgb '#222222' title 'test'";
  }
  constexpr std::size_t kLeast = 640;
  return {script, static_cast<int>(std::max(kLeast, 160 + 56 * data.class_names.size())), 420};
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
                           share > 0.55 ? "0xffffff" : "0x222222");
    }
    cells += "\n";
  }
  const int cell = classes <= 12 ? 54 : classes <= 25 ? 36 : 18;
  const int font = classes <= 12 ? 10 : 8;
  const std::string numbers = classes <= 25 ? fmt::format(
                                                  ", $cells using 1:2:(sprintf('%d',$4)):5 with labels font ',{}' "
                                                  "textcolor rgb variable notitle",
                                                  font)
                                            : "";
  const int side = static_cast<int>(classes) * cell;
  const int margin = 150;
  const std::string names = tick_labels(data.class_names, 18);
  std::string script = fmt::format(
      "@OUTPUT@$cells << END\n{}END\n"
      "set title {} font ',13'\nset xlabel 'predicted' offset 0,-1\nset ylabel 'actual'\n"
      "set lmargin at screen {}\nset rmargin at screen {}\nset tmargin at screen {}\nset bmargin at screen {}\n"
      "set xrange [-0.5:{}.5]\nset yrange [{}.5:-0.5]\nset cbrange [0:1]\nset cblabel 'share of the actual class'\n"
      "set palette defined (0 '#ffffff', 0.15 '#d5e3f0', 0.5 '#6f9fc8', 1 '#123c69')\n"
      "set tics scale 0 nomirror\nset xtics ({}) rotate by -45 font ',{}'\nset ytics ({}) font ',{}'\n"
      "set border linecolor rgb '#555555'\n"
      "plot $cells using 1:2:3 with image pixels notitle{}",
      cells, gnuplot_text(fmt::format("Confusion matrix: {}, test pictures", data.name)),
      static_cast<double>(margin) / (side + margin + 110), static_cast<double>(margin + side) / (side + margin + 110),
      1 - 46.0 / (side + 46 + 140), 140.0 / (side + 46 + 140), classes - 1, classes - 1, names, font, names, font,
      numbers);
  return {script, side + margin + 110, side + 46 + 140};
}

Drawing draw_curves(const std::vector<Curve>& curves, const std::string& title, const std::string& axis, int best) {
  // Told apart without colour: by dashes and by the shape of the points.
  struct Look {
    const char* color;
    int dash;
    int point;
  };
  constexpr std::array<Look, 6> kLooks = {{{"#1f5a94", 1, 7},
                                           {"#c1440e", 2, 5},
                                           {"#2e7d32", 4, 9},
                                           {"#6a3d9a", 5, 13},
                                           {"#7a5c00", 3, 11},
                                           {"#222222", 1, 6}}};
  std::string script = fmt::format("@OUTPUT@{}", kStyle);
  std::string plots;
  std::size_t epochs = 1;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    script += fmt::format("$c{} << END\n", i);
    for (const auto& [x, y] : curves[i].points) {
      script += fmt::format("{} {:.6g}\n", x, y);
    }
    script += "END\n";
    epochs = std::max(epochs, curves[i].points.size());
    const Look& look = kLooks.at(i % kLooks.size());
    plots += fmt::format(
        "{}$c{} using 1:2 with linespoints linewidth 2 dashtype {} pointtype {} pointsize 0.9 pointinterval {} "
        "linecolor rgb "
        "'{}' title {}",
        i == 0 ? "" : ", ", i, look.dash, look.point, std::max<std::size_t>(1, curves[i].points.size() / 20),
        look.color, gnuplot_text(curves[i].name));
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
  script += fmt::format(
      "set title {} font ',13'\nset xlabel 'epoch'\nset ylabel {}\nset xrange [{}:{}]\nset xtics {}\n"
      "set key outside right top width 1\nset offsets 0,0,graph 0.05,graph 0.05\nplot {}",
      gnuplot_text(title), gnuplot_text(axis), epochs == 1 ? "0.5" : "1",
      epochs == 1 ? "1.5" : fmt::format("{}", epochs), std::max<std::size_t>(1, (epochs + 9) / 10), plots);
  return {script, 820, 440};
}

}  // namespace lapel::report
