#pragma once
// Field numbers of onnx.proto: the part that is read and written.

#include <cstdint>

namespace pare::onnx::wire {

enum Model : uint32_t { kIrVersion = 1, kProducerName = 2, kProducerVersion = 3, kGraph = 7, kOpsetImport = 8, kMetadata = 14 };
enum Opset : uint32_t { kOpsetDomain = 1, kOpsetVersion = 2 };
enum Graph : uint32_t { kNode = 1, kGraphName = 2, kInitializer = 5, kInput = 11, kOutput = 12, kSparseInitializer = 15 };
enum Node : uint32_t { kNodeInput = 1, kNodeOutput = 2, kNodeName = 3, kOpType = 4, kAttribute = 5, kNodeDomain = 7 };
enum Attribute : uint32_t {
  kAttributeName = 1, kFloat = 2, kInt = 3, kString = 4, kTensor = 5, kSubgraph = 6, kFloats = 7, kInts = 8,
  kStrings = 9, kTensors = 10, kSubgraphs = 11, kTypeProto = 14, kTypeProtos = 15, kAttributeType = 20,
  kReferenceName = 21, kSparseTensor = 22, kSparseTensors = 23
};
enum AttributeKind : int32_t { kIsFloat = 1, kIsInt = 2, kIsString = 3, kIsTensor = 4, kIsGraph = 5, kIsFloats = 6, kIsInts = 7 };
enum Tensor : uint32_t {
  kDims = 1, kDataType = 2, kSegment = 3, kFloatData = 4, kInt32Data = 5, kStringData = 6, kInt64Data = 7,
  kTensorName = 8, kRawData = 9, kDoubleData = 10, kUint64Data = 11, kExternalData = 13, kDataLocation = 14
};
enum ValueInfo : uint32_t { kValueName = 1, kValueType = 2 };
enum Type : uint32_t { kTensorType = 1 };
enum TensorType : uint32_t { kElementType = 1, kShape = 2 };
enum Shape : uint32_t { kDim = 1 };
enum Dim : uint32_t { kDimValue = 1, kDimParam = 2 };

}  // namespace pare::onnx::wire
