#include "quant/fake_quant.h"

namespace pare {
namespace {

// One pair of buffers a share group, so that a scale is one number in every exported file.
std::pair<ValueId, ValueId> add_buffers(FakeQuantEdit& edit, const std::string& base, const QParams& params) {
  const std::string scale = edit.graph.free_name(base + ".scale"), zero = edit.graph.free_name(base + ".zero_point");
  edit.fresh.set(scale, Tensor::of<float>({params.scale}, {1}));
  edit.fresh.set(zero, Tensor::of<int32_t>({params.zero_point}, {1}));
  edit.remap.entries[scale] = {.kind = ParamRemap::Kind::kNew};
  edit.remap.entries[zero] = {.kind = ParamRemap::Kind::kNew};
  return {edit.graph.add_constant(scale, Role::kBuffer, DType::kF32, {1}),
          edit.graph.add_constant(zero, Role::kBuffer, DType::kI32, {1})};
}

}  // namespace

FakeQuantEdit insert_fake_quant(const Graph& graph, const QuantPlan& plan, const std::map<int64_t, QParams>& params,
                                const ActivationFormat& format) {
  FakeQuantEdit edit{.graph = graph};
  const UseIndex uses(graph);
  std::map<int64_t, std::pair<ValueId, ValueId>> buffers;
  for (const QuantEdge& edge : plan.edges) {
    const std::string base = graph.value(edge.value).name + ".quant";
    auto found = buffers.find(edge.share_group);
    if (found == buffers.end())
      found = buffers.emplace(edge.share_group, add_buffers(edit, base, params.at(edge.share_group))).first;
    const auto [scale, zero] = found->second;
    const Attrs attrs{{"bits", int64_t{format.bits}},
                      {"signed", int64_t{format.is_signed}},
                      {"symmetric", int64_t{format.symmetric}},
                      {"axis", int64_t{-1}}};
    const NodeId fake = edit.graph.add_node("pare.FakeQuant", edit.graph.free_name(base), {edge.value, scale, zero}, attrs);
    const ValueId out = edit.graph.node(fake).outputs[0];
    for (NodeId user : uses.users(edge.value)) {
      for (ValueId& input : edit.graph.node(user).inputs)
        if (input == edge.value) input = out;
    }
    if (!uses.users(edge.value).empty()) edit.graph.move_before(fake, uses.users(edge.value).front());
    edit.scale_of[edge.value] = edit.graph.value(scale).name;
  }
  return edit;
}

}  // namespace pare
