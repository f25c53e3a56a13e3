#include <nlohmann/json.hpp>
#include <optional>

#include "lapel/report.h"
#include "report/json_document.h"

namespace lapel {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const ClassScore& score) {
  return {{"precision", score.precision}, {"recall", score.recall}, {"f1", score.f1}, {"support", score.support}};
}

Json json_of(const std::optional<Score>& score) {
  if (!score) {
    return nullptr;
  }
  return {{"accuracy", score->accuracy}, {"loss", score->loss}, {"samples", score->samples}};
}

Json json_of(const std::optional<double>& number) { return number ? Json(*number) : Json(nullptr); }

/// `[{"kind": "left out", "what": ..., "count": 3, "examples": [...]}]`
Json json_of(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& one : findings) {
    list.push_back({{"kind", one.kind == FindingKind::kLeftOut   ? "left out"
                             : one.kind == FindingKind::kWarning ? "warning"
                                                                 : "note"},
                    {"what", one.what},
                    {"count", one.count},
                    {"examples", one.examples}});
  }
  return list;
}

/// Of many classes nothing: see cells_of.
Json matrix_rows(const ConfusionMatrix& confusion) {
  if (confusion.classes > static_cast<std::int64_t>(kMostClassesShown)) {
    return nullptr;
  }
  Json rows = Json::array();
  for (std::int64_t i = 0; i < confusion.classes; ++i) {
    Json row = Json::array();
    for (std::int64_t j = 0; j < confusion.classes; ++j) {
      row.push_back(confusion.at(i, j));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

/// `[actual, predicted, count]` for each count above 0.
Json cells_of(const ConfusionMatrix& confusion) {
  Json cells = Json::array();
  for (const ConfusionCell& cell : confusion.cells) {
    cells.push_back({cell.actual, cell.predicted, cell.count});
  }
  return cells;
}

}  // namespace

std::string to_json(const DataDescription& description) {
  Json splits = Json::object();
  for (const auto& split : description.splits) {
    splits[split.name] = {{"shape", split.shape},         {"min_pixel", split.min_pixel},
                          {"max_pixel", split.max_pixel}, {"mean_pixel", split.mean_pixel},
                          {"std_pixel", split.std_pixel}, {"class_counts", split.class_counts}};
  }
  return report::json_document({{"name", description.name},
                                {"location", description.location.string()},
                                {"class_names", description.class_names},
                                {"splits", std::move(splits)},
                                {"findings", json_of(description.findings)}});
}

std::string to_json(const Summary& summary) {
  Json layers = Json::array();
  for (const auto& row : summary.rows) {
    layers.push_back({{"name", row.name},
                      {"type", row.type},
                      {"output_shape", row.output_shape},
                      {"parameters", row.parameters},
                      {"connected_to", row.connected_to}});
  }
  return report::json_document({{"name", summary.name},
                                {"sequential", summary.sequential},
                                {"layers", std::move(layers)},
                                {"parameters", summary.trainable + summary.non_trainable},
                                {"trainable", summary.trainable},
                                {"non_trainable", summary.non_trainable},
                                {"flop", summary.flop}});
}

std::string to_json(const Evaluation& evaluation) {
  Json classes = Json::array();
  for (std::size_t i = 0; i < evaluation.report.classes.size(); ++i) {
    Json one = {{"label", i}, {"name", evaluation.class_names.at(i)}};
    one.update(json_of(evaluation.report.classes[i]));
    classes.push_back(std::move(one));
  }
  Json document = {{"split", evaluation.split},
                   {"samples", evaluation.score.samples},
                   {"accuracy", evaluation.score.accuracy},
                   {"loss", evaluation.score.loss},
                   {"balanced_accuracy", evaluation.report.balanced_accuracy},
                   {"top_3_accuracy", evaluation.top_3_accuracy},
                   {"largest_class_share", evaluation.report.largest_class_share},
                   {"classes", std::move(classes)},
                   {"macro_avg", json_of(evaluation.report.macro_average)},
                   {"weighted_avg", json_of(evaluation.report.weighted_average)},
                   {"confusion_matrix", matrix_rows(evaluation.confusion)}};
  if (document.at("confusion_matrix").is_null()) {
    document["confusion_cells"] = cells_of(evaluation.confusion);
  }
  return report::json_document(document);
}

std::string to_json(std::span<const PredictionRow> rows) {
  Json predictions = Json::array();
  for (const auto& row : rows) {
    Json ranked = Json::array();
    for (const auto& [label, name, probability] : row.ranked) {
      ranked.push_back({{"label", label}, {"name", name}, {"probability", probability}});
    }
    predictions.push_back({{"input", row.input},
                           {"actual", row.actual.empty() ? Json(nullptr) : Json(row.actual)},
                           {"predictions", std::move(ranked)}});
  }
  return report::json_document(predictions);
}

std::string to_json(const RunRecord& record) {
  return report::json_document({{"name", record.name},
                                {"status", record.status},
                                {"train", json_of(record.train)},
                                {"val", json_of(record.validation)},
                                {"test", json_of(record.test)},
                                {"macro_f1", json_of(record.macro_f1)},
                                {"balanced_accuracy", json_of(record.balanced_accuracy)},
                                {"top_3_accuracy", json_of(record.top_3_accuracy)},
                                {"epochs", record.epochs},
                                {"steps", record.steps},
                                {"parameters", record.parameters},
                                {"training_flop", record.training_flop},
                                {"seconds", record.seconds},
                                {"stopped_by", record.stopped_by.empty() ? Json(nullptr) : Json(record.stopped_by)},
                                {"time_budget", record.time_budget > 0 ? Json(record.time_budget) : Json(nullptr)},
                                {"process_seconds", record.process_seconds},
                                {"seed", record.seed},
                                {"threads", record.threads},
                                {"precision", record.precision},
                                {"test_time_augmentation", record.test_time_augmentation},
                                {"cpu", record.cpu},
                                {"isa", record.isa},
                                {"versions", {{"lapel", record.lapel_version}, {"onednn", record.onednn_version}}},
                                {"findings", json_of(record.findings)}});
}

}  // namespace lapel
