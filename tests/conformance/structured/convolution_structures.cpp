#include "tests/conformance/structured/structures.h"

namespace pare::test {
namespace {

using Ids = std::vector<ValueId>;

ValueId image(Net& n) { return n.input({3, 6, 6}); }
ValueId relu(Net& n, ValueId x) { return n.op("Relu", {x}); }
ValueId concat(Net& n, Ids parts) { return n.op("Concat", std::move(parts), {{"axis", int64_t{1}}}); }

GraphWithConstants residual(Net& n) {
  const ValueId x = relu(n, n.norm(n.conv(image(n), 6)));
  const ValueId y = n.norm(n.conv(relu(n, n.conv(x, 4)), 6));
  return n.finish({n.head(n.op("Add", {x, y}))});
}

GraphWithConstants concatenation(Net& n) {
  const ValueId x = image(n);
  return n.finish({n.head(relu(n, n.conv(concat(n, {n.conv(x, 4), relu(n, n.conv(x, 5))}), 3)))});
}

GraphWithConstants concat_of_itself(Net& n) {
  const ValueId x = n.conv(image(n), 5);
  return n.finish({n.head(concat(n, {x, x}))});
}

GraphWithConstants concat_then_split(Net& n) {
  const ValueId x = image(n);
  const auto parts = n.split(concat(n, {n.conv(x, 3), n.conv(x, 5)}), {4, 4}, 1);
  return n.finish({n.head(n.op("Add", {n.conv(parts[0], 4), parts[1]}))});
}

GraphWithConstants split_consumers(Net& n) {
  const auto parts = n.split(n.conv(image(n), 9), {2, 3, 4}, 1);
  const ValueId a = n.conv(parts[0], 3), b = n.op("Mul", {parts[1], a}), c = n.conv(parts[2], 3);
  return n.finish({n.head(n.op("Add", {b, c})), n.head(parts[2])});
}

// 4 -> 8 channels by padding 2 before and 2 behind, every second pixel, as in CIFAR ResNets.
GraphWithConstants option_a(Net& n) {
  const ValueId x = relu(n, n.conv(image(n), 4));
  const ValueId y = n.pad(n.slice(n.slice(x, 2, 0, INT64_MAX, 2), 3, 0, INT64_MAX, 2), 1, 2, 2);
  const ValueId z = n.norm(n.conv(n.op("MaxPool", {x}, {{"kernel_shape", std::vector<int64_t>{2, 2}},
                                                        {"strides", std::vector<int64_t>{2, 2}}}), 8));
  return n.finish({n.head(n.op("Add", {z, y}))});
}

GraphWithConstants pad_with_ones(Net& n) {
  const ValueId x = n.conv(image(n), 4);
  return n.finish({n.head(n.conv(n.op("Mul", {n.conv(image(n), 6), n.pad(x, 1, 1, 1, 1.0)}), 3))});
}

GraphWithConstants uneven_slice(Net& n) {
  const ValueId x = n.conv(image(n), 9);
  return n.finish({n.head(n.slice(x, 1, 1, INT64_MAX, 2)), n.head(n.slice(x, 1, -1, -INT64_MAX, -3)), n.head(x)});
}

GraphWithConstants flatten_spatial(Net& n) {
  const ValueId x = n.conv(n.input({2, 3, 3}), 5);
  return n.finish({n.gemm(relu(n, n.gemm(n.op("Flatten", {x}), 4)), 3)});
}

GraphWithConstants permuted_flatten(Net& n) {
  const ValueId x = n.transpose(n.conv(n.input({2, 3, 3}), 5), {0, 2, 3, 1});
  return n.finish({n.gemm(n.reshape(x, {0, -1}), 3)});
}

GraphWithConstants grouped(Net& n) {
  const ValueId x = relu(n, n.conv(image(n), 8));
  return n.finish({n.head(n.norm(n.conv(x, 12, 3, 4)))});
}

GraphWithConstants grouped_in_a_chain(Net& n) {
  const ValueId x = n.conv(n.conv(image(n), 6), 6, 3, 3);
  return n.finish({n.head(n.conv(x, 9, 3, 3))});
}

GraphWithConstants depthwise(Net& n) {
  const ValueId x = relu(n, n.conv(image(n), 6));
  return n.finish({n.head(n.conv(n.norm(n.conv(x, 6, 3, 6, false)), 4, 1))});
}

GraphWithConstants depthwise_multiplier(Net& n) {
  return n.finish({n.head(n.conv(n.conv(relu(n, n.conv(image(n), 5)), 10, 3, 5), 4, 1))});
}

GraphWithConstants one_channel(Net& n) {
  const ValueId mono = n.op("Sigmoid", {n.conv(image(n), 1)});
  return n.finish({n.head(n.op("Mul", {n.conv(mono, 6), mono}))});
}

GraphWithConstants transposed(Net& n) {
  const ValueId x = relu(n, n.conv_transpose(relu(n, n.conv(image(n), 5)), 6));
  return n.finish({n.head(n.conv_transpose(x, 4, 2))});
}

GraphWithConstants squeeze_excite(Net& n) {
  const ValueId x = relu(n, n.conv(image(n), 7));
  const ValueId s = n.conv(relu(n, n.conv(n.op("GlobalAveragePool", {x}), 3, 1)), 7, 1);
  return n.finish({n.head(n.op("Mul", {x, n.op("Sigmoid", {s})}))});
}

GraphWithConstants shared_weights(Net& n) {
  const ValueId x = n.conv(image(n), 6);
  const ValueId w = n.param({6, 6, 3, 3}, 0.15);
  const Attrs attrs{{"pads", std::vector<int64_t>(4, 1)}};
  return n.finish({n.head(n.op("Conv", {relu(n, n.op("Conv", {x, w}, attrs)), w}, attrs))});
}

GraphWithConstants pixel_shuffle(Net& n) {
  const ValueId x = n.op("DepthToSpace", {n.conv(image(n), 20)}, {{"blocksize", int64_t{2}}, {"mode", std::string("CRD")}});
  const ValueId y = n.op("DepthToSpace", {n.conv(image(n), 12)}, {{"blocksize", int64_t{2}}});
  return n.finish({n.head(x), n.head(relu(n, y))});
}

GraphWithConstants group_norm(Net& n) {
  return n.finish({n.head(relu(n, n.norm(n.conv(image(n), 12), "GroupNormalization", 4)))});
}

GraphWithConstants instance_norm(Net& n) { return n.finish({n.head(n.norm(n.conv(image(n), 5), "InstanceNormalization"))}); }

// Biases that cannot be trained are not zeroed: the next layer's columns have to be.
GraphWithConstants fixed_bias(Net& n, const char* op, int64_t groups) {
  const ValueId x = n.norm(n.conv(image(n), 6), op, groups);
  Graph& graph = n.model.graph;
  Node& node = graph.node(graph.value(x).producer);
  node.inputs[2] = n.literal(Tensor::of<double>({0.5, -0.4, 0.3, 0.6, -0.7, 0.8}, {6}));
  graph.erase_unused_constants();
  return n.finish({n.head(n.conv(x, 3))});
}

GraphWithConstants rep_vgg(Net& n) {
  const ValueId x = relu(n, n.conv(image(n), 6));
  const ValueId sum = n.op("Add", {n.norm(n.conv(x, 6)), n.norm(n.conv(x, 6, 1))});
  return n.finish({n.head(n.op("Add", {sum, n.norm(x)}))});
}

GraphWithConstants detection_heads(Net& n) {
  const ValueId x = relu(n, n.conv(image(n), 6)), y = relu(n, n.conv(x, 5));
  return n.finish({n.conv(x, 4, 1), n.conv(relu(n, n.conv(y, 7)), 4, 1), n.head(y)});
}

GraphWithConstants add_of_sigmoid(Net& n) {
  const ValueId x = n.conv(image(n), 6), y = n.op("Sigmoid", {n.conv(image(n), 6)});
  return n.finish({n.head(n.conv(n.op("Add", {x, y}), 3))});
}

GraphWithConstants channel_softmax(Net& n) {
  const ValueId x = n.op("Softmax", {n.conv(image(n), 6)}, {{"axis", int64_t{1}}});
  return n.finish({n.head(n.conv(x, 4))});
}

GraphWithConstants channel_mean(Net& n) {
  const ValueId x = relu(n, n.conv(image(n), 6));
  const ValueId mean = n.op("ReduceMean", {x}, {{"axes", std::vector<int64_t>{1}}});
  const ValueId sum = n.op("ReduceSum", {n.conv(image(n), 4)}, {{"axes", std::vector<int64_t>{1}}});
  return n.finish({n.head(n.op("Mul", {n.conv(x, 5), mean})), n.head(n.conv(sum, 3))});
}

GraphWithConstants channel_max(Net& n) {
  const ValueId x = n.conv(image(n), 6);
  const ValueId most = n.op("ReduceMax", {x}, {{"axes", std::vector<int64_t>{1}}});
  return n.finish({n.head(n.conv(most, 4))});
}

GraphWithConstants tiled(Net& n) {
  const ValueId x = n.op("Tile", {n.conv(image(n), 4)}, {{"repeats", std::vector<int64_t>{1, 2, 1, 1}}});
  return n.finish({n.head(n.op("Mul", {x, n.conv(image(n), 8)}))});
}

GraphWithConstants channel_shuffle(Net& n) {
  const ValueId x = n.reshape(n.conv(image(n), 12), {0, 3, 4, 6, 6});
  return n.finish({n.head(n.reshape(n.transpose(x, {0, 2, 1, 3, 4}), {0, 12, 6, 6}))});
}

GraphWithConstants activations(Net& n) {
  ValueId x = n.op("PRelu", {n.conv(image(n), 6), n.param({6, 1, 1}, 0.3)});
  x = n.op("HardSwish", {n.conv(x, 5)});
  x = n.op("Clip", {n.conv(x, 4)}, {{"min", 0.5}, {"max", 6.0}});  // never zero: columns are needed
  return n.finish({n.head(x)});
}

}  // namespace

std::vector<Structure> convolution_structures() {
  TiePolicy positions;
  positions.groups = TiePolicy::Groups::kPositions;
  return {
      {"residual", residual, 6 + 4, 10},
      {"concat", concatenation, 4 + 5 + 3, 12},
      {"concat of itself", concat_of_itself, 5, 5},
      {"concat then split", concat_then_split, 8, 8},
      {"split with many consumers", split_consumers, 2 + 3 + 4, 9},
      {"option A shortcut", option_a, 8, 8},
      {"pad with ones", pad_with_ones, 6 + 3, 9},
      {"uneven slices", uneven_slice, 9, 9},
      {"flatten before a linear layer", flatten_spatial, 5 + 4, 9},
      {"permuted flatten", permuted_flatten, 5, 5},
      {"grouped convolution, groups", grouped, 4, 4},
      {"grouped convolution, positions", grouped, 2 + 3, 5, positions},
      {"grouped chain, groups", grouped_in_a_chain, 3, 3},
      {"grouped chain, positions", grouped_in_a_chain, 2 + 2 + 3, 7, positions},
      {"depthwise", depthwise, 6 + 4, 10},
      {"depthwise with a multiplier, groups", depthwise_multiplier, 5 + 4, 9},
      {"one channel", one_channel, 6, 6},
      {"transposed convolution", transposed, 5 + 2, 7},
      {"transposed convolution, positions", transposed, 5 + 3 + 2, 10, positions},
      {"squeeze and excite", squeeze_excite, 7 + 3, 10},
      {"shared weights", shared_weights, 6, 6},
      {"pixel shuffle", pixel_shuffle, 5 + 3, 8},
      {"group normalisation", group_norm, 4, 4},
      {"instance normalisation", instance_norm, 5, 5},
      {"batch norm with a fixed bias", [](Net& n) { return fixed_bias(n, "BatchNormalization", 1); }, 6 + 3, 9},
      {"instance norm with a fixed bias", [](Net& n) { return fixed_bias(n, "InstanceNormalization", 1); }, 6 + 3, 9},
      {"group norm with a fixed bias", [](Net& n) { return fixed_bias(n, "GroupNormalization", 3); }, 3 + 3, 6},
      {"RepVGG branches", rep_vgg, 6, 6},
      {"several outputs", detection_heads, 6 + 5 + 7, 18},
      {"sum with a sigmoid", add_of_sigmoid, 6 + 3, 9},
      {"softmax over channels", channel_softmax, 6 + 4, 4},
      {"mean and sum over channels", channel_mean, 6 + 5 + 4 + 3, 18},
      {"maximum over channels", channel_max, 6 + 4, 4},
      {"tile", tiled, 4, 4},
      {"channel shuffle, outer", channel_shuffle, 3, 3},
      {"activations", activations, 6 + 5 + 4, 15},
  };
}

}  // namespace pare::test
