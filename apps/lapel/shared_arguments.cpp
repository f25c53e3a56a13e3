#include "shared_arguments.h"

#include <fmt/format.h>

#include "lapel/error.h"

namespace lapel::app {

const LabeledPictures& split_of(const DataSet& data, const std::string& split) {
  const LabeledPictures& part = split == "train" ? data.train : data.test;
  if (part.pictures.count == 0) {
    throw Error(ErrorKind::kData, data.location.string(), fmt::format("the data set has no {} pictures", split), {},
                split == "test" ? "--split train" : "another --data");
  }
  return part;
}

DataSet load_data_for(const Classifier& classifier, const std::string& place) {
  DataSpec spec = classifier.data_spec();
  if (!place.empty()) {
    spec.source = place;
  }
  if (spec.source.empty()) {
    throw Error(ErrorKind::kUsage, {}, "a model file alone does not say where its data set is", {},
                "--data DATA, or its run folder in place of the file");
  }
  return with_classes(load_data(spec), classifier.class_names());
}

Argument run_argument(std::string* target) {
  return {.name = "RUN", .value = {}, .help = "run folder, or model file", .target = target, .required = true};
}

Argument data_argument(std::string* target) {
  return {.name = "--data",
          .value = "DATA",
          .help = fmt::format("{}; if left out, the data that the model was trained on", kDataHelp),
          .target = target};
}

Argument split_argument(std::string* target) {
  return {.name = "--split",
          .value = "SPLIT",
          .help = "part of the data: test (what is taken if left out) or train",
          .target = target,
          .choices = {"test", "train"}};
}

Argument json_argument(bool* target) {
  return {.name = "--json", .value = {}, .help = "print one JSON document and nothing else", .target = target};
}

}  // namespace lapel::app
