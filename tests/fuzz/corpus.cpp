#include <cmath>

#include "core/base/file.h"
#include "core/format/graph_text.h"
#include "core/format/pare_file.h"
#include "core/format/safetensors.h"
#include "export/onnx_export.h"
#include "export/onnx_write.h"
#include "tests/export/qdq_model.h"
#include "tests/format/small_model.h"
#include "tests/fuzz/targets.h"
#include "tests/import/foreign_onnx.h"
#include "tests/judges/operator_models.h"

namespace pare::fuzz {
namespace {

constexpr int64_t kOpsets[] = {13, 17, 21};

// One tensor that fits every layout: a zero block, two of four along dim 1, small integers.
Tensor structured() {
  return Tensor::of<float>({1, 2, 0, 0, 3, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0, -2, 3, 0, 0}, {6, 4});
}

Tensor integers(const Tensor& values) {
  Tensor out(DType::kI32, values.shape());
  for (int64_t i = 0; i < out.numel(); ++i)
    out.mutable_data<int32_t>()[i] = static_cast<int32_t>(values.data<float>()[i]);
  return out;
}

std::vector<Encoding> layouts() {
  return {{},
          {.layout = Layout::kBitmask},
          {.layout = Layout::kNofM, .n = 2, .m = 4},
          {.layout = Layout::kBlock, .block = {2, 4}}};
}

// x [N, 4] times one constant.
FrozenModel product_with(EncodedTensor encoded) {
  FrozenModel model;
  const ValueId x = model.graph.add_input("x", DType::kF32, {Dim::symbol("N"), Dim(4)});
  const ValueId w = test::add_constant(model, "w", std::move(encoded));
  model.graph.set_outputs({model.graph.add("Gemm", "y", {x, w}, {{"transB", int64_t{1}}})});
  infer_shapes(model.graph, decode_constants(model), builtin_ops());
  return model;
}

std::vector<FrozenModel> every_encoding() {
  std::vector<FrozenModel> out;
  const Tensor values = structured(), whole = integers(values), scales = Tensor::of<float>({1, 2, 0.5f, 1, 1, 1}, {6});
  Tensor magnitude = whole.clone(), signs = values.clone();
  for (int64_t i = 0; i < magnitude.numel(); ++i)
    magnitude.mutable_data<int32_t>()[i] = std::abs(whole.data<int32_t>()[i]);
  for (const Encoding& layout : layouts()) {
    for (Codec codec : {Codec::kRaw, Codec::kF16, Codec::kBF16}) {
      Encoding e = layout;
      e.codec = codec;
      out.push_back(product_with(encode(values, e)));
    }
    for (int bits : {3, 4, 5, 8, 16, 32}) {
      Encoding e = layout;
      e.bits = bits;
      e.axis = 0;
      out.push_back(product_with(encode_affine(whole, scales, {}, e)));
    }
    Encoding e = layout;
    e.bits = 2;
    out.push_back(product_with(encode_palette(magnitude, Tensor::of<float>({0, 1, 2, -1}, {4}), e)));
    e.codec = Codec::kSign;
    out.push_back(product_with(encode_sign(signs, Tensor::of<float>({2}, {1}), e)));
  }
  const Encoding grouped = {.bits = 4, .is_signed = false, .axis = 0, .group_axis = 1, .group_size = 2};
  Tensor cells(DType::kF32, {12}), zeros(DType::kI32, {12});
  for (int i = 0; i < 12; ++i) cells.mutable_data<float>()[i] = 0.5f, zeros.mutable_data<int32_t>()[i] = i % 3;
  out.push_back(product_with(encode_affine(magnitude, cells, zeros, grouped)));
  return out;
}

// x [N, 2, 4, 4] through kernels of two patterns, one of which is missing.
FrozenModel convolution_with(EncodedTensor encoded) {
  FrozenModel model;
  const ValueId x = model.graph.add_input("x", DType::kF32, {Dim::symbol("N"), Dim(2), Dim(4), Dim(4)});
  const ValueId w = test::add_constant(model, "w", std::move(encoded));
  model.graph.set_outputs({model.graph.add("Conv", "y", {x, w}, {})});
  infer_shapes(model.graph, decode_constants(model), builtin_ops());
  return model;
}

std::vector<FrozenModel> pattern_models() {
  const Tensor kernels = Tensor::of<float>({0, 1, 0, 2, 3, 4, 0, 0, 0, 0, 0, 0, 5, 6, 7, 0, 8, 0,   //
                                            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, -3, 4, 0, 0, 0},  //
                                           {2, 2, 3, 3});
  Encoding encoding = {.layout = Layout::kPattern, .block = {1, 1}, .patterns = {184, 58}};
  std::vector<FrozenModel> out = {convolution_with(encode(kernels, encoding))};
  encoding.axis = 0;
  out.push_back(convolution_with(encode_affine(integers(kernels), Tensor::of<float>({1, 2}, {2}), {}, encoding)));
  return out;
}

std::vector<FrozenModel> models() {
  std::vector<FrozenModel> out = every_encoding();
  for (FrozenModel& model : pattern_models()) out.push_back(std::move(model));
  out.push_back(test::small_model());
  out.back().golden = {{{Tensor(DType::kF32, {1, 4})}, {Tensor(DType::kF32, {1, 2})}}};
  out.push_back(test::qdq_model());
  for (auto& [name, model] : test::operator_models(21)) out.push_back(std::move(model));
  return out;
}

std::vector<std::string> onnx_files() {
  std::vector<std::string> out;
  for (const int64_t opset : kOpsets) {
    for (const auto& [name, model] : test::operator_models(opset))
      out.push_back(onnx::serialize(to_onnx(model, opset).model));
  }
  for (const FrozenModel& model : {test::small_model(), test::qdq_model()})
    out.push_back(onnx::serialize(to_onnx(model, 21).model));
  for (const onnx::Model& model : test::foreign_onnx()) out.push_back(onnx::serialize(model));
  return out;
}

std::vector<std::string> safetensors_files() {
  std::map<std::string, Tensor> types;
  for (DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kI8, DType::kU8, DType::kI16,
                      DType::kU16, DType::kI32, DType::kU32, DType::kI64, DType::kU64})
    types[name_of(dtype)] = structured().to(dtype);
  types["flags"] = Tensor(DType::kBool, {5});
  types["none"] = Tensor(DType::kF32, {3, 0});
  types["scalar"] = Tensor::scalar(1.5f);
  return {serialize_safetensors(types, {{"key", "text"}}), serialize_safetensors({}),
          serialize_pare(test::small_model())};
}

// What PyTorch itself wrote for the tests of the readers, without what these refuse.
std::vector<std::string> fixtures(const std::vector<const char*>& names) {
  std::vector<std::string> out;
  for (const char* name : names) out.push_back(read_file(std::string("tests/import/fixtures/") + name));
  return out;
}

}  // namespace

std::vector<std::string> corpus(const std::string& target) {
  if (target == "onnx") return onnx_files();
  if (target == "safetensors") return safetensors_files();
  if (target == "pt2") return fixtures({"cnn.pt2", "cnn_core.pt2", "mixed.pt2", "transformer.pt2"});
  if (target == "pth") return fixtures({"layouts.pth", "training.pth"});
  std::vector<std::string> out;
  for (const FrozenModel& model : models())
    out.push_back(target == "pare" ? serialize_pare(model) : graph_to_text(model.graph));
  return out;
}

}  // namespace pare::fuzz
