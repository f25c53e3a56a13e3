#include "interop/onnx/write.h"

#include <bit>
#include <protozero/pbf_builder.hpp>
#include <type_traits>

#include "interop/onnx/field_numbers.h"

namespace lapel::interop::onnx {

namespace {

using protozero::pbf_builder;

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

void write_entry(pbf_builder<EntryField> entry, const std::string& key, const std::string& value) {
  entry.add_string(EntryField::kKey, key);
  entry.add_string(EntryField::kValue, value);
}

void write_attribute(pbf_builder<AttributeField> to, const Attribute& attribute) {
  const auto type = [&](AttributeType code) { to.add_enum(AttributeField::kType, static_cast<std::int32_t>(code)); };
  to.add_string(AttributeField::kName, attribute.name);
  std::visit(
      [&](const auto& value) {
        using Value = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::int64_t>) {
          to.add_int64(AttributeField::kInt, value);
          type(AttributeType::kInt);
        } else if constexpr (std::is_same_v<Value, float>) {
          to.add_float(AttributeField::kFloat, value);
          type(AttributeType::kFloat);
        } else if constexpr (std::is_same_v<Value, std::string>) {
          to.add_bytes(AttributeField::kString, value);
          type(AttributeType::kString);
        } else {
          for (const std::int64_t one : value) {
            to.add_int64(AttributeField::kInts, one);
          }
          type(AttributeType::kInts);
        }
      },
      attribute.value);
}

void write_node(pbf_builder<NodeField> to, const Node& node) {
  for (const std::string& input : node.inputs) {
    to.add_string(NodeField::kInput, input);
  }
  for (const std::string& output : node.outputs) {
    to.add_string(NodeField::kOutput, output);
  }
  to.add_string(NodeField::kName, node.name);
  to.add_string(NodeField::kType, node.type);
  for (const Attribute& attribute : node.attributes) {
    write_attribute({to, NodeField::kAttribute}, attribute);
  }
}

void write_tensor(pbf_builder<TensorField> to, const Tensor& tensor) {
  for (const std::int64_t extent : tensor.shape) {
    to.add_int64(TensorField::kDims, extent);
  }
  const bool floats = std::holds_alternative<std::vector<float>>(tensor.values);
  to.add_int32(TensorField::kDataType, static_cast<std::int32_t>(floats ? ElementType::kFloat : ElementType::kInt64));
  to.add_string(TensorField::kName, tensor.name);
  std::visit(
      [&](const auto& values) {
        to.add_bytes(TensorField::kRawData, reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(values[0]));
      },
      tensor.values);
}

void write_value(pbf_builder<ValueField> to, const ValueInfo& value) {
  to.add_string(ValueField::kName, value.name);
  {
    pbf_builder<TypeField> type(to, ValueField::kType);
    pbf_builder<TensorTypeField> tensor(type, TypeField::kTensorType);
    tensor.add_int32(TensorTypeField::kElementType, static_cast<std::int32_t>(value.type));
    pbf_builder<ShapeField> shape(tensor, TensorTypeField::kShape);
    for (const auto& extent : value.shape) {
      pbf_builder<DimensionField> dimension(shape, ShapeField::kDim);
      if (const auto* name = std::get_if<std::string>(&extent)) {
        dimension.add_string(DimensionField::kName, *name);
      } else {
        dimension.add_int64(DimensionField::kValue, std::get<std::int64_t>(extent));
      }
    }
  }
  to.add_string(ValueField::kDoc, value.doc);
}

void write_graph(pbf_builder<GraphField> to, const Graph& graph) {
  for (const Node& node : graph.nodes) {
    write_node({to, GraphField::kNode}, node);
  }
  to.add_string(GraphField::kName, graph.name);
  for (const Tensor& tensor : graph.initializers) {
    write_tensor({to, GraphField::kInitializer}, tensor);
  }
  to.add_string(GraphField::kDoc, graph.doc);
  for (const ValueInfo& value : graph.inputs) {
    write_value({to, GraphField::kInput}, value);
  }
  for (const ValueInfo& value : graph.outputs) {
    write_value({to, GraphField::kOutput}, value);
  }
}

}  // namespace

std::string to_bytes(const Model& model) {
  std::string bytes;
  pbf_builder<ModelField> to(bytes);
  to.add_int64(ModelField::kIrVersion, kWrittenIrVersion);
  to.add_string(ModelField::kProducerName, "Lapel");
  to.add_string(ModelField::kProducerVersion, model.producer_version);
  write_graph({to, ModelField::kGraph}, model.graph);
  {
    pbf_builder<OpsetField> opset(to, ModelField::kOpsetImport);
    opset.add_string(OpsetField::kDomain, "");
    opset.add_int64(OpsetField::kVersion, kWrittenOpset);
  }
  for (const auto& [key, value] : model.metadata) {
    write_entry({to, ModelField::kMetadataProps}, key, value);
  }
  return bytes;
}

}  // namespace lapel::interop::onnx
