#pragma once

#include <protozero/types.hpp>

/// Field numbers of onnx.proto (https://github.com/onnx/onnx/blob/v1.12.0/onnx/onnx.proto), by message.
namespace lapel::interop::onnx {

enum class ModelField : protozero::pbf_tag_type {
  kIrVersion = 1,
  kProducerName = 2,
  kProducerVersion = 3,
  kGraph = 7,
  kOpsetImport = 8,
  kMetadataProps = 14,
};

enum class OpsetField : protozero::pbf_tag_type { kDomain = 1, kVersion = 2 };

/// StringStringEntryProto.
enum class EntryField : protozero::pbf_tag_type { kKey = 1, kValue = 2 };

enum class GraphField : protozero::pbf_tag_type {
  kNode = 1,
  kName = 2,
  kInitializer = 5,
  kDoc = 10,
  kInput = 11,
  kOutput = 12,
};

enum class NodeField : protozero::pbf_tag_type { kInput = 1, kOutput = 2, kName = 3, kType = 4, kAttribute = 5 };

enum class AttributeField : protozero::pbf_tag_type {
  kName = 1,
  kFloat = 2,
  kInt = 3,
  kString = 4,
  kInts = 8,
  kType = 20,
};

/// AttributeProto.AttributeType.
enum class AttributeType : std::int32_t { kFloat = 1, kInt = 2, kString = 3, kInts = 7 };

enum class TensorField : protozero::pbf_tag_type { kDims = 1, kDataType = 2, kName = 8, kRawData = 9 };

enum class ValueField : protozero::pbf_tag_type { kName = 1, kType = 2, kDoc = 3 };
enum class TypeField : protozero::pbf_tag_type { kTensorType = 1 };
enum class TensorTypeField : protozero::pbf_tag_type { kElementType = 1, kShape = 2 };
enum class ShapeField : protozero::pbf_tag_type { kDim = 1 };
enum class DimensionField : protozero::pbf_tag_type { kValue = 1, kName = 2 };

}  // namespace lapel::interop::onnx
