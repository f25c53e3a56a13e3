#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "interop/onnx/graph.h"

namespace lapel::interop::onnx {

/// Puts a graph together. A value is known by its name; the name of a node is that of its output.
class GraphBuilder {
 public:
  /// Adds a node of the operator `type` and gives its output's name: `wanted`, or that with a number behind.
  std::string add(std::string_view type, std::string wanted, std::vector<std::string> inputs,
                  std::vector<Attribute> attributes = {});
  /// Adds an initializer and gives its name, made as that of a node. No shape: one number without axes.
  std::string floats(std::string wanted, std::vector<std::int64_t> shape, std::vector<float> values);
  std::string number(std::string wanted, double value) {
    return floats(std::move(wanted), {}, {static_cast<float>(value)});
  }
  std::string integers(std::string wanted, std::vector<std::int64_t> values);

  /// An input of the graph; gives its name.
  std::string input(ValueInfo value);
  /// Makes the output of the last node, `value`, an output of the graph under the name in `info`.
  void output(const std::string& value, ValueInfo info);

  [[nodiscard]] Graph take() { return std::move(graph_); }
  [[nodiscard]] Graph& graph() { return graph_; }

 private:
  std::string unique(std::string wanted);

  Graph graph_;
  std::unordered_set<std::string> taken_;
};

}  // namespace lapel::interop::onnx
