#include <fmt/format.h>

#include <algorithm>

#include "report/gnuplot.h"
#include "report/plot_data.h"
#include "report/text.h"

namespace lapel::report {

namespace {

std::string name_of(const PlotData& data, int label) {
  return label < 0 ? std::string("unknown") : class_name(data.class_names, static_cast<std::size_t>(label));
}

/// Lines `x y r g b`, the picture's upper left corner at (left, top).
std::string pixel_lines(const PlotData& data, const ShownPicture& picture, double left, double top) {
  std::string lines;
  for (std::int64_t y = 0; y < data.height; ++y) {
    for (std::int64_t x = 0; x < data.width; ++x) {
      const std::uint8_t* pixel = picture.pixels.data() + (y * data.width + x) * data.channels;
      const bool grey = data.channels == 1;
      lines += fmt::format("{} {} {} {} {}\n", left + static_cast<double>(x), top + static_cast<double>(y), pixel[0],
                           pixel[grey ? 0 : 1], pixel[grey ? 0 : 2]);
    }
  }
  return lines;
}

/// The most pictures of one class: they stand together by class.
std::size_t each_of(const std::vector<ShownPicture>& pictures) {
  std::size_t most = 1;
  std::size_t run = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    run = i > 0 && pictures[i].label == pictures[i - 1].label ? run + 1 : 1;
    most = std::max(most, run);
  }
  return most;
}

/// A row holds one class, or several whole ones.
std::size_t sample_columns(const std::vector<ShownPicture>& pictures) {
  constexpr std::size_t kMost = 10;
  const std::size_t each = each_of(pictures);
  const std::size_t whole = each >= kMost ? each : kMost / each * each;
  return std::max<std::size_t>(1, std::min(whole, pictures.size()));
}

/// The place of each picture in the grid, row by row; classes that have fewer pictures leave places free.
std::vector<std::size_t> places_of(const std::vector<ShownPicture>& pictures) {
  const std::size_t each = each_of(pictures);
  std::vector<std::size_t> places;
  std::size_t next = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (i > 0 && pictures[i].label != pictures[i - 1].label) {
      next = (next + each - 1) / each * each;
    }
    places.push_back(next++);
  }
  return places;
}

}  // namespace

Drawing draw_samples(const PlotData& data, const std::vector<ShownPicture>& pictures, const std::string& title) {
  constexpr int kCell = 96;
  constexpr int kText = 20;
  constexpr int kHead = 44;
  const std::vector<std::size_t> places = places_of(pictures);
  const std::size_t columns = sample_columns(pictures);
  const std::size_t rows = places.empty() ? 1 : places.back() / columns + 1;
  const int width = std::max(360, static_cast<int>(columns) * (kCell + 10) + 20);
  const int height = kHead + static_cast<int>(rows) * (kCell + kText + 8) + 8;
  const double scale = static_cast<double>(kCell) / static_cast<double>(std::max(data.height, data.width));
  std::string script = fmt::format(
      "@OUTPUT@set multiplot\nunset border\nunset tics\nunset key\nset margins 0,0,0,0\nset size ratio -1\n"
      "set label 1 {} at screen 0.5, screen {} center font ',13'\n",
      gnuplot_text(title), 1 - 22.0 / height);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const std::size_t row = places[i] / columns;
    const double left = 10 + static_cast<double>(places[i] % columns) * (kCell + 10);
    const double top = kHead + static_cast<double>(row) * (kCell + kText + 8);
    const double wide = scale * static_cast<double>(data.width);
    const double high = scale * static_cast<double>(data.height);
    const double x = left + (kCell - wide) / 2;
    const double y = top + (kCell - high) / 2;
    script += fmt::format(
        "set lmargin at screen {}\nset rmargin at screen {}\nset tmargin at screen {}\nset bmargin at screen {}\n"
        "set label 2 {} at screen {}, screen {} center font ',9'\n"
        "set xrange [-0.5:{}]\nset yrange [{}:-0.5]\n$p << END\n{}END\nplot $p using 1:2:3:4:5 with rgbimage\n"
        "unset label 1\n",
        x / width, (x + wide) / width, 1 - y / height, 1 - (y + high) / height,
        gnuplot_text(shortened(name_of(data, pictures[i].label), 16)), (left + kCell / 2.0) / width,
        1 - (top + kCell + kText / 2.0 + 2) / height, static_cast<double>(data.width) - 0.5,
        static_cast<double>(data.height) - 0.5, pixel_lines(data, pictures[i], 0, 0));
  }
  return {script + "unset multiplot", width, height};
}

namespace {

/// One picture with what is said of it, and the bars of its probabilities, at (left, top) of the canvas.
std::string answer(const PlotData& data, const ShownPicture& picture, double left, double top, int width, int height) {
  constexpr double kCell = 112;
  constexpr double kHead = 40;
  constexpr std::size_t kMostBars = 10;
  const auto best = static_cast<int>(std::max_element(picture.probabilities.begin(), picture.probabilities.end()) -
                                     picture.probabilities.begin());
  const bool known = picture.label >= 0;
  const bool right = known && best == picture.label;
  const std::string mark = !known ? "" : right ? "✓ " : "✗ ";
  const double scale = kCell / static_cast<double>(std::max(data.height, data.width));
  const double wide = scale * static_cast<double>(data.width);
  const double high = scale * static_cast<double>(data.height);
  const double x = left + (kCell - wide) / 2;
  const double y = top + kHead + (kCell - high) / 2;
  const std::string first =
      fmt::format("{}{}  {:.1f}%", mark, shortened(name_of(data, best), 30),
                  100 * static_cast<double>(picture.probabilities[static_cast<std::size_t>(best)]));
  const std::string second = known ? "actual: " + shortened(name_of(data, picture.label), 36) : "";
  const std::string color = !known ? "#222222" : right ? "#1b5e20" : "#b71c1c";
  std::string script = fmt::format(
      "unset object\nunset grid\nset label 2 {} at screen {}, screen {} left font ',10' textcolor rgb '{}'\n"
      "set label 3 {} at screen {}, screen {} left font ',9' textcolor rgb '#444444'\n"
      "set lmargin at screen {}\nset rmargin at screen {}\nset tmargin at screen {}\nset bmargin at screen {}\n"
      "set size ratio -1\nset border 15 linewidth {} linecolor rgb '{}' {}\nunset xtics\nunset ytics\n"
      "set xrange [-0.5:{}]\nset yrange [{}:-0.5]\n$p << END\n{}END\nplot $p using 1:2:3:4:5 with rgbimage\n"
      "unset label 1\nunset label 2\nunset label 3\n",
      gnuplot_text(first), left / width, 1 - (top + 10) / height, color, gnuplot_text(second), left / width,
      1 - (top + 27) / height, x / width, (x + wide) / width, 1 - y / height, 1 - (y + high) / height,
      !known || right ? 1 : 3, color, !known || right ? "" : "dashtype 2", static_cast<double>(data.width) - 0.5,
      static_cast<double>(data.height) - 0.5, pixel_lines(data, picture, 0, 0));
  // The bars: all classes where they are few, else the most probable ones.
  std::vector<std::size_t> order(picture.probabilities.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  if (order.size() > kMostBars) {
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return picture.probabilities[a] > picture.probabilities[b]; });
    order.resize(kMostBars);
  }
  std::string bars;
  std::string tics;
  for (std::size_t i = 0; i < order.size(); ++i) {
    bars += fmt::format("{} {} {}\n", i, picture.probabilities[order[i]],
                        static_cast<int>(order[i]) == picture.label ? "0x4878a8" : "0xb0b0b0");
    tics += fmt::format("{}{} {}", i == 0 ? "" : ", ",
                        gnuplot_mark(shortened(name_of(data, static_cast<int>(order[i])), 16)), i);
  }
  return script +
         fmt::format(
             "set lmargin at screen {}\nset rmargin at screen {}\nset tmargin at screen {}\nset bmargin at screen {}\n"
             "set size noratio\nset border 2 linewidth 1 linecolor rgb '#888888' dashtype 1\n"
             "set xtics ('0' 0, '50' 0.5, '100%%' 1) font ',7' textcolor rgb '#666666' scale 0 nomirror offset 0,0.6\n"
             "set grid xtics linetype 1 dashtype 1 linecolor rgb '#dddddd' linewidth 0.8\n"
             "set ytics ({}) font ',8' textcolor rgb '#222222' scale 0 nomirror offset 0.5,0\nset xrange [0:1]\nset "
             "yrange [{}.6:-0.6]\n"
             "set style fill solid 1 border linecolor rgb '#333333'\n$b << END\n{}END\n"
             "plot $b using ($2/2):1:($2/2):(0.36):3 with boxxyerror linewidth 0.5 linecolor rgb variable\n",
             (left + kCell + 116) / width, (left + kCell + 206) / width, 1 - (top + kHead) / height,
             1 - (top + kHead + kCell) / height, tics, order.size() - 1, bars);
}

}  // namespace

Drawing draw_predictions(const PlotData& data, const std::vector<ShownPicture>& pictures, const std::string& title) {
  constexpr int kWide = 344;
  constexpr int kHigh = 176;
  constexpr int kHead = 48;
  constexpr std::size_t kColumns = 3;
  const std::size_t columns = std::min(kColumns, std::max<std::size_t>(1, pictures.size()));
  const std::size_t rows = (pictures.size() + columns - 1) / columns;
  const int width = std::max(480, static_cast<int>(columns) * kWide + 24);
  const int height = kHead + static_cast<int>(rows) * kHigh + 8;
  std::string script =
      fmt::format("@OUTPUT@set multiplot\nunset key\nset label 1 {} at screen 0.5, screen {} center font ',13'\n",
                  gnuplot_text(title), 1 - 20.0 / height);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const std::size_t row = i / columns;
    script += answer(data, pictures[i], 16 + static_cast<double>(i % columns) * kWide,
                     kHead + static_cast<double>(row) * kHigh, width, height);
  }
  return {script + "unset multiplot", width, height};
}

}  // namespace lapel::report
