#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// An ONNX model as data: what onnx.proto of IR 8 has, as far as classifiers need it.
namespace lapel::interop::onnx {

/// TensorProto.DataType.
enum class ElementType : std::int32_t { kFloat = 1, kUint8 = 2, kInt64 = 7 };

using AttributeValue = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>>;

struct Attribute {
  std::string name;
  AttributeValue value;
};

struct Node {
  std::string type;  ///< `Conv`
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<Attribute> attributes;
};

/// An initializer: numbers in row-major order.
struct Tensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::variant<std::vector<float>, std::vector<std::int64_t>> values;
};

/// An input or output of the graph; a dimension is a number, or a name for any.
struct ValueInfo {
  std::string name;
  ElementType type = ElementType::kFloat;
  std::vector<std::variant<std::int64_t, std::string>> shape;
  std::string doc;
};

struct Graph {
  std::string name;
  std::string doc;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
};

struct Model {
  std::string producer_version;
  Graph graph;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// The versions that are written: every ONNX Runtime from 1.13 on reads them.
inline constexpr std::int64_t kWrittenIrVersion = 8;
inline constexpr std::int64_t kWrittenOpset = 17;

}  // namespace lapel::interop::onnx
