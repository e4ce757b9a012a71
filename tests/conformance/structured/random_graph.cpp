#include "tests/conformance/structured/random_graph.h"

#include <algorithm>

namespace pare::test {
namespace {

constexpr int64_t kSide = 6;
constexpr int64_t kMaxChannels = 24;

struct Generator {
  Net net;
  std::vector<ValueId> pool;

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

  ValueId convolution(ValueId x);
  ValueId activation(ValueId x);
  ValueId normalisation(ValueId x);
  ValueId combination(ValueId x);
  ValueId movement(ValueId x);
  ValueId shapes(ValueId x);
  ValueId step();
};

ValueId Generator::convolution(ValueId x) {
  const int64_t c = channels(x);
  switch (net.below(5)) {
    case 0: {
      const int64_t g = divisor(c);
      return net.conv(x, g * between(1, std::max<int64_t>(1, 12 / g)), 3, g, net.below(2) == 0);
    }
    case 1: return net.conv(x, c, 3, c);
    case 2: {
      const int64_t g = divisor(c);
      return net.conv_transpose(x, g * between(1, 2), net.below(2) ? g : 1);
    }
    default: return net.conv(x, between(2, 10), net.below(2) ? 1 : 3, 1, net.below(4) != 0);
  }
}

ValueId Generator::activation(ValueId x) {
  static constexpr const char* kNames[] = {"Relu", "Tanh", "Gelu", "Sigmoid", "pare.Silu", "HardSwish"};
  if (net.below(8) == 0) return net.op("Softmax", {x}, {{"axis", int64_t{1}}});
  return net.op(kNames[net.below(6)], {x});
}

ValueId Generator::normalisation(ValueId x) {
  switch (net.below(4)) {
    case 0: return net.norm(x, "GroupNormalization", divisor(channels(x)));
    case 1: return net.norm(x, "InstanceNormalization");
    case 2: {
      const ValueId last = net.layer_norm(net.transpose(x, {0, 2, 3, 1}), net.below(3) == 0);
      return net.transpose(last, {0, 3, 1, 2});
    }
    default: return net.norm(x);
  }
}

ValueId Generator::combination(ValueId x) {
  switch (net.below(5)) {
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

ValueId Generator::movement(ValueId x) {
  const int64_t c = channels(x);
  switch (net.below(6)) {
    case 0: return net.op("Concat", {x, any()}, {{"axis", int64_t{1}}});
    case 1: {
      const int64_t cut = between(1, c - 1);
      const auto parts = net.split(x, {cut, c - cut}, 1);
      if (cut > 1) pool.push_back(parts[0]);
      return parts[1];
    }
    case 2: return net.slice(x, 1, between(0, c / 2), INT64_MAX, between(1, 2));
    case 3: return net.pad(x, 1, between(0, 2), between(0, 2), net.below(3) == 0 ? 1.0 : 0.0);
    case 4: {
      std::vector<int64_t> cells;
      for (int64_t i = between(2, 5); i-- > 0;) cells.push_back(between(-c, c - 1));
      const auto count = static_cast<int64_t>(cells.size());
      return net.op("Gather", {x, net.literal(Tensor::of<int64_t>(cells, {count}))}, {{"axis", int64_t{1}}});
    }
    default: return net.op("Tile", {x}, {{"repeats", std::vector<int64_t>{1, 2, 1, 1}}});
  }
}

ValueId Generator::shapes(ValueId x) {
  const int64_t c = channels(x), g = divisor(c);
  if (net.below(2)) {  // channel shuffle
    const ValueId y = net.transpose(net.reshape(x, {0, g, c / g, kSide, kSide}), {0, 2, 1, 3, 4});
    return net.reshape(y, {0, -1, kSide, kSide});
  }
  const ValueId rows = net.transpose(net.reshape(x, {0, c, kSide * kSide}), {0, 2, 1});  // a linear layer on pixels
  const ValueId y = net.linear(rows, between(2, 8));
  return net.reshape(net.transpose(y, {0, 2, 1}), {0, -1, kSide, kSide});
}

ValueId Generator::step() {
  ValueId x = any();
  const uint64_t kind = net.below(12);
  if (kind < 4) return convolution(x);
  if (kind < 5) return activation(x);
  if (kind < 6) return normalisation(x);
  if (kind < 8) return combination(x);
  if (kind < 11) return movement(x);
  return shapes(x);
}

}  // namespace

GraphWithConstants random_graph(const OpTable& ops, uint64_t seed, int steps) {
  Generator g{Net(ops, seed), {}};
  g.pool.push_back(g.net.conv(g.net.input({3, kSide, kSide}), g.between(3, 8)));
  for (int i = 0; i < steps; ++i) {
    const ValueId x = g.step();
    if (g.channels(x) >= 2 && g.channels(x) <= kMaxChannels) g.pool.push_back(x);
  }
  std::vector<ValueId> outputs{g.net.head(g.pool.back())};
  if (g.net.below(3) == 0) outputs.push_back(g.net.head(g.any()));
  return g.net.finish(outputs);
}

}  // namespace pare::test
