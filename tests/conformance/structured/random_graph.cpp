#include "tests/conformance/structured/random_graph.h"

#include <algorithm>
#include <cmath>

#include "tests/conformance/structured/attention.h"

namespace pare::test {
namespace {

constexpr int64_t kSide = 6;
constexpr int64_t kMaxChannels = 24;

struct Generator {
  Net net;
  std::vector<ValueId> pool;
  StructureCounts& counts;

  // Counts what is built next and passes its choice on.
  void note(const std::string& structure) { ++counts[structure]; }
  uint64_t choose(std::initializer_list<const char*> structures) {
    const uint64_t choice = net.below(structures.size());
    note(structures.begin()[choice]);
    return choice;
  }

  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(net.below(static_cast<uint64_t>(high - low + 1)));
  }
  // Recent values more often, so that graphs get deep.
  ValueId any() {
    const size_t window = std::min<size_t>(pool.size(), 4);
    return net.below(3) ? pool[pool.size() - 1 - net.below(window)] : pool[net.below(pool.size())];
  }
  int64_t channels(ValueId x) const { return net.size(x, 1); }
  // Another value with the channels of x, made if there is none.
  ValueId like(ValueId x) {
    std::vector<ValueId> same;
    for (ValueId id : pool)
      if (id != x && channels(id) == channels(x)) same.push_back(id);
    return same.empty() ? net.conv(any(), channels(x), 1) : same[net.below(same.size())];
  }
  int64_t divisor(int64_t number) {
    std::vector<int64_t> divisors;
    for (int64_t d = 2; d <= number; ++d)
      if (number % d == 0) divisors.push_back(d);
    return divisors.empty() ? 1 : divisors[net.below(divisors.size())];
  }
  // Keeps magnitudes near one: saturated values would hide errors.
  ValueId settled(ValueId x) { return net.norm(x); }

  ValueId rows_of(ValueId x) { return net.transpose(net.reshape(x, {0, channels(x), kSide * kSide}), {0, 2, 1}); }
  ValueId image_of(ValueId rows) { return net.reshape(net.transpose(rows, {0, 2, 1}), {0, -1, kSide, kSide}); }
  ValueId weight(int64_t out, int64_t in) { return net.param({out, in, 1, 1}, 1.0 / std::sqrt(static_cast<double>(in))); }

  ValueId convolution(ValueId x);
  ValueId activation(ValueId x);
  ValueId normalisation(ValueId x);
  ValueId combination(ValueId x);
  ValueId concatenation(ValueId x);
  ValueId movement(ValueId x);
  ValueId shapes(ValueId x);
  ValueId sequence(ValueId x);
  ValueId step();
  ValueId head(ValueId x);
};

ValueId Generator::convolution(ValueId x) {
  const int64_t c = channels(x);
  switch (choose({"grouped convolution", "depthwise", "transposed convolution", "shared weights", "RepVGG branches",
                  "convolution", "convolution", "convolution", "one channel"})) {
    case 0: {
      const int64_t g = divisor(c);
      return net.conv(x, g * between(1, std::max<int64_t>(1, 12 / g)), 3, g, net.below(2) == 0);
    }
    case 1: return net.conv(x, c, 3, c);
    case 2: {
      const int64_t g = divisor(c);
      return net.conv_transpose(x, g * between(1, 2), net.below(2) ? g : 1);
    }
    case 3: {
      const ValueId shared = weight(between(2, 8), c), other = like(x);
      return settled(net.op("Add", {net.op("Conv", {x, shared}), net.op("Relu", {net.op("Conv", {other, shared})})}));
    }
    case 4: {
      const ValueId three = net.norm(net.conv(x, c)), one = net.norm(net.conv(x, c, 1));
      return net.op("Relu", {net.op("Add", {net.op("Add", {three, one}), net.norm(x)})});
    }
    case 8: return net.op("Mul", {x, net.op("Sigmoid", {net.conv(x, 1, 3)})});
    default: return net.conv(x, between(2, 10), net.below(2) ? 1 : 3, 1, net.below(4) != 0);
  }
}

ValueId Generator::activation(ValueId x) {
  static constexpr const char* kNames[] = {"Relu", "Tanh", "Gelu", "Sigmoid", "pare.Silu", "HardSwish"};
  if (net.below(4) == 0) {
    note("softmax over channels");
    return net.op("Softmax", {x}, {{"axis", int64_t{1}}});
  }
  note("activation");
  return net.op(kNames[net.below(6)], {x});
}

ValueId Generator::normalisation(ValueId x) {
  const bool rms = net.below(3) == 0;
  switch (choose({"group normalisation", "instance normalisation", rms ? "RMSNorm" : "LayerNorm", "batch normalisation"})) {
    case 0: return net.norm(x, "GroupNormalization", divisor(channels(x)));
    case 1: return net.norm(x, "InstanceNormalization");
    case 2: return image_of(net.layer_norm(rows_of(x), !rms));
    default: return net.norm(x);
  }
}

ValueId Generator::combination(ValueId x) {
  switch (choose({"gate", "squeeze and excite", "sum with a sigmoid", "mean over channels", "residual", "residual"})) {
    case 0: return net.op("Mul", {x, net.op("Sigmoid", {like(x)})});
    case 1: {
      const ValueId squeezed = net.conv(net.op("GlobalAveragePool", {x}), between(2, 4), 1);
      return net.op("Mul", {x, net.op("Sigmoid", {net.conv(net.op("Relu", {squeezed}), channels(x), 1)})});
    }
    case 2: return settled(net.op("Add", {x, net.op("Sigmoid", {like(x)})}));
    case 3: {
      const ValueId one = net.op("ReduceMean", {x}, {{"axes", std::vector<int64_t>{1}}});
      return net.op("Mul", {like(x), one});
    }
    default: return settled(net.op("Add", {x, like(x)}));
  }
}

ValueId Generator::concatenation(ValueId x) {
  const int64_t c = channels(x);
  const auto concat = [this](ValueId a, ValueId b) { return net.op("Concat", {a, b}, {{"axis", int64_t{1}}}); };
  switch (choose({"concat", "concat of itself", "concat then split", "split with many consumers"})) {
    case 0: return concat(x, any());
    case 1: return concat(x, x);
    case 2: {
      const ValueId y = any(), both = concat(x, y);
      const int64_t cut = between(1, c + channels(y) - 1);  // mostly not where it was joined
      return net.split(both, {cut, c + channels(y) - cut}, 1)[net.below(2)];
    }
    default: {
      const int64_t cut = between(1, c - 1);
      const auto parts = net.split(x, {cut, c - cut}, 1);
      if (cut > 1) pool.push_back(parts[0]);
      return parts[1];
    }
  }
}

ValueId Generator::movement(ValueId x) {
  const int64_t c = channels(x);
  switch (choose({"slice", "option A shortcut", "pad with ones", "gathered channels", "tile", "pixel shuffle",
                  "channel shuffle"})) {
    case 0: return net.slice(x, 1, between(0, c / 2), INT64_MAX, between(1, 2));
    case 1: return net.pad(x, 1, between(0, 2), between(0, 2));
    case 2: return net.pad(x, 1, between(0, 2), between(1, 2), 1.0);
    case 3: {
      std::vector<int64_t> cells;
      for (int64_t i = between(2, 5); i-- > 0;) cells.push_back(between(-c, c - 1));
      const auto count = static_cast<int64_t>(cells.size());
      return net.op("Gather", {x, net.literal(Tensor::of<int64_t>(cells, {count}))}, {{"axis", int64_t{1}}});
    }
    case 4: return net.op("Tile", {x}, {{"repeats", std::vector<int64_t>{1, 2, 1, 1}}});
    case 5: {
      Attrs attrs{{"blocksize", int64_t{2}}};
      if (net.below(2)) attrs.set("mode", std::string("CRD"));
      const std::vector<int64_t> two{2, 2};
      return net.op("AveragePool", {net.op("DepthToSpace", {net.conv(x, 4 * between(2, 4))}, attrs)},
                    {{"kernel_shape", two}, {"strides", two}});
    }
    default: {
      const int64_t g = divisor(c);
      return net.reshape(net.transpose(net.reshape(x, {0, g, c / g, kSide, kSide}), {0, 2, 1, 3, 4}), {0, -1, kSide, kSide});
    }
  }
}

ValueId Generator::shapes(ValueId x) {
  switch (choose({"linear layer on pixels", "squeeze and unsqueeze", "embedding"})) {
    case 0: return image_of(net.linear(rows_of(x), between(2, 8)));
    case 1: {
      const std::vector<int64_t> one{1};
      return net.op("Squeeze", {net.op("Tanh", {net.op("Unsqueeze", {x}, {{"axes", one}})})}, {{"axes", one}});
    }
    default: {
      const ValueId table = net.param({5, channels(x)}, 0.5);
      const ValueId rows = net.op("Gather", {table, net.tokens(kSide * kSide)}, {{"axis", int64_t{0}}});
      return settled(net.op("Add", {x, image_of(rows)}));
    }
  }
}

// Blocks of transformers; the pixels are the sequence.
ValueId Generator::sequence(ValueId x) {
  const ValueId rows = rows_of(x);
  const int64_t width = channels(x);
  if (net.below(2)) {
    const auto kind = static_cast<AttentionKind>(net.below(kAttentionKinds));
    note(name_of(kind));
    const ValueId y = net.linear(attention(net, rows, kind, between(2, 3), 2 * between(1, 2)), width);
    return settled(image_of(net.op("Add", {rows, y})));
  }
  if (choose({"gated linear unit", "feed forward"}) == 0) {
    const int64_t inner = between(2, 6);
    const auto parts = net.split(net.linear(rows, 2 * inner), {inner, inner}, 2);
    return image_of(net.linear(net.op("Mul", {parts[0], net.op("Sigmoid", {parts[1]})}), between(2, 8)));
  }
  const ValueId inner = net.op("Gelu", {net.linear(net.layer_norm(rows, false), between(2, 8))});
  return settled(image_of(net.op("Add", {rows, net.linear(inner, width)})));
}

ValueId Generator::step() {
  const ValueId x = any();
  const uint64_t kind = net.below(16);
  if (kind < 4) return convolution(x);
  if (kind < 5) return activation(x);
  if (kind < 6) return normalisation(x);
  if (kind < 8) return combination(x);
  if (kind < 10) return concatenation(x);
  if (kind < 13) return movement(x);
  if (kind < 14) return shapes(x);
  return sequence(x);
}

ValueId Generator::head(ValueId x) {
  if (choose({"pooled head", "flatten before a linear layer"}) == 0) return net.head(x);
  return net.gemm(net.op("Flatten", {x}), 3);
}

}  // namespace

GraphWithConstants random_graph(const OpTable& ops, uint64_t seed, int steps, StructureCounts* counts) {
  StructureCounts own;
  Generator g{Net(ops, seed), {}, counts ? *counts : own};
  g.pool.push_back(g.net.conv(g.net.input({3, kSide, kSide}), g.between(3, 8)));
  for (int i = 0; i < steps; ++i) {
    const ValueId x = g.step();
    if (g.channels(x) >= 2 && g.channels(x) <= kMaxChannels) g.pool.push_back(x);
  }
  std::vector<ValueId> outputs{g.head(g.pool.back())};
  if (g.net.below(3) == 0) {
    g.note("several outputs");
    outputs.push_back(g.head(g.any()));
  }
  return g.net.finish(outputs);
}

}  // namespace pare::test
