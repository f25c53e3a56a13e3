#include "interop/onnx/builder.h"

#include <fmt/format.h>

#include <utility>

namespace lapel::interop::onnx {

std::string GraphBuilder::unique(std::string wanted) {
  std::string name = wanted;
  for (int number = 1; !taken_.insert(name).second; ++number) {
    name = fmt::format("{}_{}", wanted, number);
  }
  return name;
}

std::string GraphBuilder::add(std::string_view type, std::string wanted, std::vector<std::string> inputs,
                              std::vector<Attribute> attributes) {
  std::string name = unique(std::move(wanted));
  graph_.nodes.push_back({std::string(type), name, std::move(inputs), {name}, std::move(attributes)});
  return name;
}

std::string GraphBuilder::floats(std::string wanted, std::vector<std::int64_t> shape, std::vector<float> values) {
  std::string name = unique(std::move(wanted));
  graph_.initializers.push_back({name, std::move(shape), std::move(values)});
  return name;
}

std::string GraphBuilder::integers(std::string wanted, std::vector<std::int64_t> values) {
  std::string name = unique(std::move(wanted));
  const auto count = static_cast<std::int64_t>(values.size());
  graph_.initializers.push_back({name, {count}, std::move(values)});
  return name;
}

std::string GraphBuilder::input(ValueInfo value) {
  taken_.insert(value.name);
  graph_.inputs.push_back(std::move(value));
  return graph_.inputs.back().name;
}

void GraphBuilder::output(const std::string& value, ValueInfo info) {
  info.name = unique(std::move(info.name));
  for (Node& node : graph_.nodes) {
    if (node.outputs.front() == value) {
      node.outputs.front() = info.name;
    }
  }
  graph_.outputs.push_back(std::move(info));
}

}  // namespace lapel::interop::onnx
