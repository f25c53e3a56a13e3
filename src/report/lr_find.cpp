#include "report/lr_find.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lapel/report.h"
#include "report/gnuplot.h"
#include "report/text.h"

namespace lapel {

namespace report {

Drawing draw_lr_find(const LrFindResult& result) {
  std::string script =
      "@OUTPUT@set border 3 linecolor rgb '#555555'\nset tics nomirror out textcolor rgb '#222222'\n"
      "set grid ytics linecolor rgb '#dddddd' linewidth 1\nset logscale x\nset format x '%.0e'\n$points << END\n";
  double lowest = result.points.front().smoothed;
  double first = lowest;
  for (const auto& point : result.points) {
    script += fmt::format("{:.6g} {:.6g} {:.6g}\n", point.learning_rate, point.smoothed, point.loss);
    lowest = std::min(lowest, point.smoothed);
  }
  script += "END\n";
  int number = 1;
  for (const auto& [rate, dash] : {std::pair{result.steepest, 2}, {result.minimum_tenth, 3}}) {
    script += fmt::format(
        "set arrow {1} from first {0:.6g}, graph 0 to first {0:.6g}, graph 1 nohead dashtype {2} linewidth 2 "
        "linecolor rgb '{3}'\n",
        rate, number++, dash, dash == 2 ? "#c1440e" : "#2e7d32");
  }
  // Up to a little above where it began: what a divergence reaches is of no interest.
  script += fmt::format(
      "set title {} font ',13'\nset xlabel 'learning rate'\nset ylabel 'loss, smoothed'\nset yrange [{:.6g}:{:.6g}]\n"
      "set key outside right top width 1\n"
      "plot $points using 1:2 with lines linewidth 2 linecolor rgb '#1f5a94' title 'loss', "
      "NaN with lines dashtype 2 linewidth 2 linecolor rgb '#c1440e' title {}, "
      "NaN with lines dashtype 3 linewidth 2 linecolor rgb '#2e7d32' title {}",
      gnuplot_text("Loss over the learning rate: " + result.name), lowest - 0.1 * (first - lowest) - 1e-3,
      first + 0.5 * (first - lowest) + 1e-3, gnuplot_text(fmt::format("steepest: {:.2e}", result.steepest)),
      gnuplot_text(fmt::format("minimum / 10: {:.2e}", result.minimum_tenth)));
  return {script, 820, 440};
}

}  // namespace report

std::string to_text(const LrFindResult& result) {
  constexpr std::size_t kRows = 25;
  const std::size_t each = std::max<std::size_t>(1, (result.points.size() + kRows - 1) / kRows);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < result.points.size(); i += each) {
    const auto& point = result.points[i];
    rows.push_back({fmt::format("{}", i + 1), fmt::format("{:.2e}", point.learning_rate), report::metric(point.loss),
                    report::metric(point.smoothed)});
  }
  const std::vector<std::string> header = {"step", "learning rate", "loss", "smoothed"};
  std::string text = grid_table(header, rows);
  text += result.diverged ? fmt::format("\nThe loss diverged after {} steps.\n", result.points.size()) : "\n";
  return text + fmt::format("Suggestions: {:.2e} where the loss falls fastest, {:.2e} a tenth of where it is lowest\n",
                            result.steepest, result.minimum_tenth);
}

std::string to_json(const LrFindResult& result) {
  using Json = nlohmann::ordered_json;
  Json points = Json::array();
  for (const auto& point : result.points) {
    points.push_back({{"learning_rate", point.learning_rate}, {"loss", point.loss}, {"smoothed", point.smoothed}});
  }
  return Json{{"name", result.name},
              {"steepest", result.steepest},
              {"minimum_tenth", result.minimum_tenth},
              {"diverged", result.diverged},
              {"points", std::move(points)}}
             .dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace lapel
