#include "core/import/onnx_import.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/file.h"
#include "core/format/pare_file.h"
#include "core/format/safetensors.h"
#include "core/import/onnx_model.h"
#include "core/import/weights.h"
#include "export/onnx_export.h"
#include "export/onnx_write.h"
#include "tests/export/qdq_model.h"
#include "tests/format/hostile.h"
#include "tests/format/small_model.h"
#include "tests/import/foreign_onnx.h"

namespace pare {
namespace {

using onnx::Attribute;
using onnx::Extent;

FrozenModel parse_onnx(const std::string& bytes) {
  return test::with_copy(bytes, [](auto span, auto owner) { return import_onnx(span, owner, "test"); });
}

FrozenModel import_model(const onnx::Model& model) { return parse_onnx(onnx::serialize(model)); }

// Imports a one-node model and returns the node that gives y.
Node only_node(const onnx::Model& model) {
  const FrozenModel frozen = import_model(model);
  return frozen.graph.node(frozen.graph.value(frozen.graph.outputs()[0]).producer);
}

DimShape output_shape(const onnx::Model& model) {
  const FrozenModel frozen = import_model(model);
  return *frozen.graph.value(frozen.graph.outputs()[0]).shape;
}

std::string reason(const onnx::Model& model) {
  try {
    import_model(model);
  } catch (const ModelError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(OnnxImport, constant_inputs_become_attributes) {
  const Node slice = only_node(test::onnx_model({{"Slice", "", "s", {"x", "b", "e", "a", "t"}, {"y"}, {}}},
                                        {{"b", test::int_list({1})}, {"e", test::int_list({3})}, {"a", test::int_list({1})}, {"t", test::int_list({1})}}));
  EXPECT_EQ(slice.inputs.size(), 1u);
  EXPECT_EQ(slice.attrs.integers("starts"), (std::vector<int64_t>{1}));
  const Node clip =
      only_node(test::onnx_model({{"Clip", "", "c", {"x", "", "high"}, {"y"}, {}}}, {{"high", Tensor::scalar<float>(6)}}));
  EXPECT_FALSE(clip.attrs.has("min"));
  EXPECT_EQ(clip.attrs.number("max"), 6.0);
  const Node reshape =
      only_node(test::onnx_model({{"Constant", "", "k", {}, {"shape"}, {{"value_ints", std::vector<int64_t>{0, -1}}}},
                          {"Reshape", "", "r", {"x", "shape"}, {"y"}, {}}}));
  EXPECT_EQ(reshape.attrs.integers("shape"), (std::vector<int64_t>{0, -1}));
}

TEST(OnnxImport, lists_move_up_from_attributes_of_old_opsets) {
  const onnx::Node squeeze{"Unsqueeze", "", "u", {"x"}, {"y"}, {{"axes", std::vector<int64_t>{0}}}};
  EXPECT_EQ(only_node(test::onnx_model({squeeze}, {}, 11)).attrs.integers("axes"), (std::vector<int64_t>{0}));
  const onnx::Node mean{"ReduceMean", "", "m", {"x", "axes"}, {"y"}, {{"keepdims", int64_t{0}}}};
  EXPECT_EQ(output_shape(test::onnx_model({mean}, {{"axes", test::int_list({2, 3})}}, 18)), (DimShape{Dim::symbol("N"), Dim(4)}));
  const onnx::Node old_softmax{"Softmax", "", "s", {"x"}, {"y"}, {}};
  EXPECT_EQ(only_node(test::onnx_model({old_softmax}, {}, 11)).op, "Reshape");  // over all dims but the batch
  EXPECT_EQ(output_shape(test::onnx_model({old_softmax}, {}, 11)), (DimShape{Dim::symbol("N"), Dim(4), Dim(8), Dim(8)}));
  EXPECT_EQ(only_node(test::onnx_model({old_softmax}, {}, 11, {int64_t{2}, int64_t{5}})).attrs.integer("axis"), -1);
}

TEST(OnnxImport, automatic_pads_are_resolved) {
  const auto conv = [](const char* mode) {
    return test::onnx_model({{"Conv",
                      "",
                      "c",
                      {"x", "w"},
                      {"y"},
                      {{"auto_pad", std::string(mode)}, {"strides", std::vector<int64_t>{2, 2}}}}},
                    {{"w", Tensor(DType::kF32, {5, 4, 3, 3})}});
  };
  EXPECT_EQ(only_node(conv("SAME_UPPER")).attrs.integers("pads"), (std::vector<int64_t>{0, 0, 1, 1}));
  EXPECT_EQ(only_node(conv("SAME_LOWER")).attrs.integers("pads"), (std::vector<int64_t>{1, 1, 0, 0}));
  EXPECT_EQ(output_shape(conv("VALID")), (DimShape{Dim::symbol("N"), Dim(5), Dim(3), Dim(3)}));
}

TEST(OnnxImport, shapes_computed_from_shapes_stay_symbolic) {
  const FrozenModel model =
      import_model(test::onnx_model({{"Shape", "", "shape", {"x"}, {"s"}, {}},
                             {"Gather", "", "batch", {"s", "zero"}, {"n"}, {{"axis", int64_t{0}}}},
                             {"Unsqueeze", "", "un", {"n", "axes"}, {"n1"}, {}},
                             {"Concat", "", "cat", {"n1", "rest"}, {"target"}, {{"axis", int64_t{0}}}},
                             {"Reshape", "", "flat", {"x", "target"}, {"y"}, {}}},
                            {{"zero", Tensor::scalar<int64_t>(0)}, {"axes", test::int_list({0})}, {"rest", test::int_list({-1})}}));
  EXPECT_EQ(*model.graph.value(model.graph.outputs()[0]).shape, (DimShape{Dim::symbol("N"), Dim(256)}));
}

TEST(OnnxImport, sizes_computed_from_the_shape_stay_or_become_numbers) {
  const auto resize = [](const std::string& last) {
    return test::onnx_model({{"Shape", "", "shape", {"x"}, {"s"}, {}},
                     {"Slice", "", "kept", {"s", "zero", "two"}, {"nc"}, {}},
                     {"Concat", "", "cat", {"nc", last}, {"target"}, {{"axis", int64_t{0}}}},
                     {"Resize", "", "r", {"x", "", "", "target"}, {"y"}, {{"mode", std::string("linear")}}}},
                    {{"zero", test::int_list({0})}, {"two", test::int_list({2})}, {"hw", test::int_list({13, 5})}});
  };
  EXPECT_EQ(only_node(resize("hw")).attrs.integers("sizes"), (std::vector<int64_t>{-1, 4, 13, 5}));
  EXPECT_EQ(output_shape(resize("hw")), (DimShape{Dim::symbol("N"), Dim(4), Dim(13), Dim(5)}));
  EXPECT_NE(reason(resize("nc")).find("neither a number nor"), std::string::npos) << reason(resize("nc"));
}

TEST(OnnxImport, all_unsupported_nodes_are_listed_at_once) {
  const std::string text = reason(test::onnx_model({{"NonMaxSuppression", "", "nms", {"x"}, {"a"}, {}},
                                            {"Relu", "", "fine", {"a"}, {"b"}, {}},
                                            {"Conv", "", "odd", {"x", "x"}, {"c"}, {{"auto_pad", std::string("SAME")}}},
                                            {"FusedConv", "com.microsoft", "", {"b"}, {"y"}, {}}}));
  EXPECT_NE(text.find("3 of 4 nodes"), std::string::npos) << text;
  for (const char* part : {"\"nms\" (NonMaxSuppression)", "\"odd\" (Conv)", "\"y\" (com.microsoft.FusedConv)"})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_EQ(text.find("fine"), std::string::npos) << text;
}

TEST(OnnxImport, weights_behind_dequantize_keep_integers_and_blocks) {
  const Tensor q = Tensor::of<int8_t>({1, -2, 3, -4, 5, -6, 7, -8}, {4, 2});
  const Tensor scale = Tensor::of<float>({1, 10, 100, 1000}, {2, 2});  // [groups of 2 rows, columns]
  const FrozenModel model = import_model(test::onnx_model(
      {{"DequantizeLinear", "", "dq", {"q", "s"}, {"w"}, {{"axis", int64_t{0}}, {"block_size", int64_t{2}}}},
       {"MatMul", "", "mm", {"x", "w"}, {"y"}, {}}},
      {{"q", q}, {"s", scale}}, 21, {int64_t{3}, int64_t{4}}));
  const EncodedTensor& w = model.constants.at("w");
  EXPECT_EQ(w.encoding.group_size, 2);
  EXPECT_EQ(decode(w).to_doubles(), (std::vector<double>{1, -20, 3, -40, 500, -6000, 700, -8000}));
}

TEST(OnnxImport, roles_follow_use) {
  const Tensor c(DType::kF32, {4});
  const FrozenModel model =
      import_model(test::onnx_model({{"BatchNormalization", "", "bn", {"x", "g", "b", "m", "v"}, {"y"}, {}}},
                            {{"g", c}, {"b", c}, {"m", c}, {"v", c}}));
  EXPECT_EQ(model.graph.value(model.graph.find_value("g")).role, Role::kParameter);
  EXPECT_EQ(model.graph.value(model.graph.find_value("v")).role, Role::kBuffer);
}

TEST(OnnxImport, bad_models_are_refused_with_a_reason) {
  const onnx::Node relu{"Relu", "", "r", {"x"}, {"y"}, {}};
  struct Case {
    const char* reason;
    onnx::Model model;
  };
  onnx::Model no_output = test::onnx_model({relu}), twice = test::onnx_model({relu, relu}), no_shape = test::onnx_model({relu});
  no_output.outputs.clear();
  no_shape.inputs[0].shape.reset();
  onnx::Model missing_output = test::onnx_model({relu});
  missing_output.outputs[0].name = "z";
  const std::vector<Case> cases = {
      {"opset from 11 to 28", test::onnx_model({relu}, {}, 10)},
      {"opset from 11 to 28", test::onnx_model({relu}, {}, 29)},
      {"not computed before", test::onnx_model({{"Relu", "", "r", {"later"}, {"y"}, {}}})},
      {"exists already", twice},
      {"at least one output", no_output},
      {"to be computed", missing_output},
      {"expected a shape", no_shape},
      {"must be a constant", test::onnx_model({{"Clip", "", "c", {"x", "x"}, {"y"}, {}}})},
      {"expected integers", test::onnx_model({{"Reshape", "", "r", {"x", "s"}, {"y"}, {}}}, {{"s", Tensor(DType::kF32, {2})}})},
      {"output 1 is not supported",
       test::onnx_model({{"MaxPool", "", "p", {"x"}, {"y", "i"}, {{"kernel_shape", std::vector<int64_t>{2, 2}}}},
                 {"Identity", "", "id", {"i"}, {"z"}, {}}})},
      {"group", test::onnx_model({{"Conv", "", "c", {"x", "w"}, {"y"}, {{"group", int64_t{-1}}}}},
                         {{"w", Tensor(DType::kF32, {5, 4, 3, 3})}})},
  };
  for (const auto& bad : cases) EXPECT_NE(reason(bad.model).find(bad.reason), std::string::npos) << reason(bad.model);
}

TEST(OnnxImport, hostile_attributes_are_refused) {
  using Ints = std::vector<int64_t>;
  const int64_t huge = int64_t{1} << 62;
  const Tensor weight(DType::kF32, {4, 4, 3, 3});
  const std::vector<Extent> fixed = {int64_t{1}, int64_t{4}, int64_t{8}, int64_t{8}};
  const auto refused = [&](onnx::Node node, std::map<std::string, Tensor> constants = {}, int64_t opset = 21) {
    const std::string text = reason(test::onnx_model({std::move(node)}, std::move(constants), opset, fixed));
    EXPECT_NE(text, "accepted");
    return text;
  };
  const auto conv = [&](const char* op, std::map<std::string, Attribute> attrs) {
    return refused({op, "", "c", {"x", "w"}, {"y"}, std::move(attrs)}, {{"w", weight}});
  };
  for (const char* op : {"Conv", "ConvTranspose"}) {
    conv(op, {{"group", int64_t{-2}}});
    conv(op, {{"strides", Ints{0, 1}}});
    conv(op, {{"dilations", Ints{1, huge}}});
    conv(op, {{"pads", Ints{huge, huge, huge, huge}}});
    conv(op, {{"strides", Ints{0, 0}}, {"auto_pad", std::string("SAME_UPPER")}});
  }
  conv("ConvTranspose", {{"output_shape", Ints{huge, huge}}});
  conv("ConvTranspose", {{"output_shape", Ints{-1, 5}}});
  conv("ConvTranspose", {{"output_padding", Ints{huge, huge}}, {"output_shape", Ints{5, 5}}});
  refused({"MaxPool", "", "p", {"x"}, {"y"}, {{"kernel_shape", Ints{0, 0}}}});
  refused({"Pad", "", "p", {"x", "pads"}, {"y"}, {{"mode", std::string("wrap")}}},
          {{"pads", test::int_list({0, 0, 0, huge, 0, 0, 0, 0})}});
  refused({"Pad", "", "p", {"x", "pads", "", "axes"}, {"y"}, {}}, {{"pads", test::int_list({1, 1})}, {"axes", test::int_list({9})}});
  refused({"SpaceToDepth", "", "s", {"x"}, {"y"}, {{"blocksize", huge}}});
  refused({"SpaceToDepth", "", "s", {"x"}, {"y"}, {{"blocksize", int64_t{3}}}});
  refused({"ConstantOfShape", "", "c", {"s"}, {"y"}, {}}, {{"s", test::int_list({huge, 2})}});
  refused({"ConstantOfShape", "", "c", {"s"}, {"y"}, {}}, {{"s", test::int_list({-1})}});
  refused({"QuantizeLinear", "", "q", {"x", "s"}, {"y"}, {{"block_size", huge}, {"axis", int64_t{1}}}},
          {{"s", Tensor(DType::kF32, {1, 4, 8, 8})}});
  refused({"LayerNormalization", "", "l", {"x", "g"}, {"y", "m"}, {{"axis", int64_t{7}}}}, {{"g", Tensor(DType::kF32, {8})}});
  const Tensor one = Tensor::scalar<float>(1), none = Tensor::scalar<float>(0), far = Tensor::scalar<float>(1e30f);
  refused({"Range", "", "r", {"a", "b", "c"}, {"y"}, {}}, {{"a", none}, {"b", far}, {"c", one}});
  refused({"Range", "", "r", {"a", "b", "c"}, {"y"}, {}}, {{"a", none}, {"b", one}, {"c", none}});
}

TEST(OnnxImport, lists_computed_from_fixed_shapes_are_constants) {
  const auto sliced = [](std::vector<Extent> shape) {
    return test::onnx_model({{"Shape", "", "shape", {"x"}, {"s"}, {}},
                     {"Gather", "", "last", {"s", "three"}, {"w"}, {}},
                     {"Div", "", "half", {"w", "two"}, {"h"}, {}},
                     {"Slice", "", "cut", {"x", "zero", "h", "three"}, {"y"}, {}}},
                    {{"zero", test::int_list({0})}, {"two", test::int_list({2})}, {"three", test::int_list({3})}}, 17, std::move(shape));
  };
  EXPECT_EQ(only_node(sliced({std::string("N"), int64_t{4}, int64_t{8}, int64_t{8}})).attrs.integers("ends"),
            (std::vector<int64_t>{4}));
  EXPECT_NE(reason(sliced({int64_t{1}, int64_t{4}, int64_t{8}, std::string("W")})).find("must be a constant"),
            std::string::npos);
}

TEST(OnnxImport, half_floats_stay_at_the_doors) {
  onnx::Model half = test::onnx_model({{"Conv", "", "c", {"x", "w"}, {"y"}, {}}}, {{"w", Tensor(DType::kF16, {5, 4, 1, 1})}});
  half.inputs[0].dtype = half.outputs[0].dtype = DType::kF16;
  const FrozenModel model = import_model(half);
  EXPECT_EQ(model.graph.value(model.graph.inputs()[0]).dtype, DType::kF16);
  EXPECT_EQ(model.graph.value(model.graph.outputs()[0]).dtype, DType::kF16);
  EXPECT_EQ(model.graph.value(model.graph.outputs()[0]).name, "y");
  EXPECT_EQ(model.constants.at("w").dtype, DType::kF32);
  EXPECT_EQ(model.constants.at("w").encoding.codec, Codec::kF16);
}

TEST(OnnxImport, einsum_is_at_most_one_matrix_product) {
  const auto einsum = [](const char* equation, bool two) {
    std::vector<std::string> inputs = {"x"};
    if (two) inputs.push_back("w");
    return test::onnx_model({{"Einsum", "", "e", inputs, {"y"}, {{"equation", std::string(equation)}}}},
                    {{"w", Tensor(DType::kF32, {4, 5})}});
  };
  const Dim n = Dim::symbol("N");
  EXPECT_EQ(output_shape(einsum("nchw,cd->nhwd", true)), (DimShape{n, Dim(8), Dim(8), Dim(5)}));
  EXPECT_EQ(output_shape(einsum("nchw, cd", true)), (DimShape{Dim(5), Dim(8), n, Dim(8)}));  // d, h, n, w
  EXPECT_EQ(output_shape(einsum("nchw->wn", false)), (DimShape{Dim(8), n}));
  for (const char* equation : {"", "nchw->nchwz", "nccw->n", "...w->...", "nch->n", "nchw,cd->n", "nchw->nn"})
    EXPECT_NE(reason(einsum(equation, false)), "accepted") << equation;
  EXPECT_NE(reason(einsum("nchw,hw->n", true)).find("more than one matrix product"), std::string::npos);
}

TEST(OnnxImport, pools_over_three_dims_are_two_pools) {
  const auto pool = [](std::vector<int64_t> strides) {
    return test::onnx_model({{"AveragePool", "", "p", {"x"}, {"y"},
                      {{"kernel_shape", std::vector<int64_t>{3, 2, 2}}, {"strides", std::move(strides)}}}},
                    {}, 19, {std::string("N"), int64_t{4}, int64_t{6}, int64_t{8}, int64_t{10}});
  };
  EXPECT_EQ(output_shape(pool({1, 2, 2})), (DimShape{Dim::symbol("N"), Dim(4), Dim(4), Dim(4), Dim(5)}));
  EXPECT_NE(reason(pool({1, 2})).find("expected 3 values in strides"), std::string::npos);
}

TEST(OnnxImport, corners_at_a_fraction_of_a_pixel_are_refused) {
  const auto resize = [](float scale) {
    return test::onnx_model({{"Resize", "", "r", {"x", "", "s"}, {"y"},
                      {{"mode", std::string("linear")}, {"coordinate_transformation_mode", std::string("align_corners")}}}},
                    {{"s", Tensor::of<float>({1, 1, scale, scale}, {4})}});
  };
  EXPECT_EQ(output_shape(resize(0.5f)), (DimShape{Dim::symbol("N"), Dim(4), Dim(4), Dim(4)}));
  EXPECT_NE(reason(resize(0.6f)).find("Give sizes instead"), std::string::npos);
}

TEST(OnnxImport, external_data_is_refused_clearly) {
  // TensorProto {dims: 1, data_type: 1, name: "w", data_location: EXTERNAL} as an initializer of a model.
  const std::string tensor = {0x08, 0x01, 0x10, 0x01, 0x42, 0x01, 'w', 0x70, 0x01};
  const std::string graph = std::string("\x2a") + static_cast<char>(tensor.size()) + tensor;
  const std::string bytes =
      std::string("\x08\x08\x3a", 3) + static_cast<char>(graph.size()) + graph + std::string("\x42\x02\x10\x11", 4);
  try {
    parse_onnx(bytes);
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("external data"), std::string::npos) << error.what();
  }
}

TEST(OnnxImport, truncations_and_mutations_are_errors_or_valid_models) {
  const std::string bytes = onnx::serialize(to_onnx(test::small_model()).model);
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(parse_onnx(bytes.substr(0, length)), Error) << length;
  test::mutate(bytes, 5000, [](const std::string& copy) { decode_constants(parse_onnx(copy)); });
  const std::string quantized = onnx::serialize(to_onnx(test::qdq_model(), 21).model);
  test::mutate(quantized, 1000, [](const std::string& copy) { parse_onnx(copy); }, 9);
}

TEST(OnnxImport, mutated_compositions_are_errors_or_valid_models) {
  const onnx::Model model = test::composed_onnx();
  EXPECT_EQ(output_shape(model), (DimShape{Dim(1), Dim(1), Dim(1), Dim(3)}));
  test::mutate(onnx::serialize(model), 1000, [](const std::string& copy) { parse_onnx(copy); }, 11);
}

TEST(Weights, load_from_safetensors_and_pare_files) {
  const auto folder = std::filesystem::temp_directory_path();
  const std::string plain = (folder / "pare_weights.safetensors").string(),
                    container = (folder / "pare_weights.pare").string();
  write_safetensors(plain, {{"w", Tensor::of<float>({1, 2}, {2}).to(DType::kF16)}});
  EXPECT_EQ(load_weights(plain).get("w").dtype(), DType::kF32);
  const FrozenModel model = test::small_model();
  save_pare(container, model);
  EXPECT_TRUE(same_bytes(load_weights(container).get("fc.weight"), decode(model.constants.at("fc.weight"))));
  std::filesystem::remove(plain);
  std::filesystem::remove(container);
}

}  // namespace
}  // namespace pare
