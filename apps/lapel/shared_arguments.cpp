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

Argument run_argument(std::string* target) {
  return {.name = "RUN", .value = {}, .help = "run folder, or model file", .target = target, .required = true};
}

Argument data_argument(std::string* target) {
  return {.name = "--data",
          .value = "DATA",
          .help =
              "fashion-mnist, or a folder with the four IDX files; if left out, the data that the model was "
              "trained on",
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
