// Group analysis of a GPT-like graph of more than 1e9 parameters, whose weights are addresses that must not be read.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cmath>
#include <ctime>
#include <fstream>
#include <string>

#include "core/graph/surgery.h"

namespace pare {
namespace {

constexpr double kSeconds = 2.0, kMegabytes = 200.0;  // of CPU time, and of memory beyond the graph
constexpr int64_t kLayers = 24, kWidth = 2048, kHeads = 16, kSequence = 128, kVocabulary = 32000;

/// Address space without memory: reading or writing a byte of it ends the program.
class Untouchable {
 public:
  explicit Untouchable(size_t bytes) : bytes_(bytes) {
    void* mapped = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    PARE_CHECK(mapped != MAP_FAILED, IoError, "[test] no address space of {} bytes", bytes_);
    owner_ = std::shared_ptr<const void>(mapped, [bytes](const void* p) { munmap(const_cast<void*>(p), bytes); });
  }
  Tensor tensor(const Shape& shape) const {
    PARE_CHECK(static_cast<size_t>(numel_of(shape)) * sizeof(float) <= bytes_, InternalError, "[test] too large");
    return Tensor(DType::kF32, shape, owner_, static_cast<const std::byte*>(owner_.get()));
  }

 private:
  size_t bytes_;
  std::shared_ptr<const void> owner_;
};

/// Pre-norm decoder: embeddings (tied to the last layer), then RMSNorm, fused projections, heads, and a wide layer.
class GptBuilder {
 public:
  GptBuilder() : weights_(static_cast<size_t>(kVocabulary * kWidth) * sizeof(float)) {}

  GraphWithConstants build() {
    Graph& g = out_.graph;
    const ValueId ids = g.add_input("ids", DType::kI64, {Dim::symbol("N"), Dim(kSequence)});
    const ValueId words = weight("wte.weight", {kVocabulary, kWidth});
    ValueId x = g.add("Gather", "wte", {words, ids}, {{"axis", int64_t{0}}});
    x = g.add("Add", "wpe", {x, weight("wpe.weight", {kSequence, kWidth})});
    for (int64_t i = 0; i < kLayers; ++i) x = layer(fmt("h.{}.", i), x);
    const ValueId turned = g.add("Transpose", "head.turned", {words}, {{"perm", std::vector<int64_t>{1, 0}}});
    g.set_outputs({g.add("MatMul", "head", {norm("norm", x), turned})});
    return std::move(out_);
  }
  int64_t params() const { return params_; }

 private:
  ValueId weight(const std::string& name, const Shape& shape) {
    params_ += numel_of(shape);
    out_.constants.set(name, weights_.tensor(shape));
    return out_.graph.add_constant(name, Role::kParameter, DType::kF32, shape);
  }
  ValueId norm(const std::string& name, ValueId x) {
    return out_.graph.add("RMSNormalization", name, {x, weight(name + ".weight", {kWidth})});
  }
  ValueId linear(const std::string& name, ValueId x, int64_t in, int64_t out) {
    x = out_.graph.add("MatMul", name, {x, weight(name + ".weight", {in, out})});
    return out_.graph.add("Add", name + ".add", {x, weight(name + ".bias", {out})});
  }
  ValueId heads(const std::string& name, ValueId x, std::vector<int64_t> perm) {
    x = out_.graph.add("Reshape", name + ".split", {x},
                       {{"shape", std::vector<int64_t>{-1, kSequence, kHeads, kWidth / kHeads}}});
    return out_.graph.add("Transpose", name + ".transpose", {x}, {{"perm", std::move(perm)}});
  }
  ValueId attention(const std::string& name, ValueId x) {
    Graph& g = out_.graph;
    const auto fused = g.add_node("Split", name + "qkv", {linear(name + "fused", x, kWidth, 3 * kWidth)},
                                  {{"axis", int64_t{2}}, {"split", std::vector<int64_t>(3, kWidth)}}, 3);
    const std::vector<ValueId> parts = g.node(fused).outputs;
    const ValueId query = heads(name + "q", parts[0], {0, 2, 1, 3}), key = heads(name + "k", parts[1], {0, 2, 3, 1});
    const ValueId value = heads(name + "v", parts[2], {0, 2, 1, 3});
    ValueId scores = g.add("MatMul", name + "scores", {query, key});
    scores = g.add("Softmax", name + "softmax", {scores}, {{"axis", int64_t{-1}}});
    ValueId y = g.add("MatMul", name + "context", {scores, value});
    y = g.add("Transpose", name + "merge", {y}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
    y = g.add("Reshape", name + "flatten", {y}, {{"shape", std::vector<int64_t>{-1, kSequence, kWidth}}});
    return linear(name + "out", y, kWidth, kWidth);
  }
  ValueId layer(const std::string& name, ValueId x) {
    Graph& g = out_.graph;
    x = g.add("Add", name + "add1", {x, attention(name + "attn.", norm(name + "norm1", x))});
    const ValueId wide = g.add("Gelu", name + "gelu", {linear(name + "up", norm(name + "norm2", x), kWidth, 4 * kWidth)});
    return g.add("Add", name + "add2", {x, linear(name + "down", wide, 4 * kWidth, kWidth)});
  }

  Untouchable weights_;
  GraphWithConstants out_;
  int64_t params_ = 0;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// A line of /proc/self/status, MB.
double status_mb(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;)
    if (word == key + ":") {
      double kilobytes = 0;
      file >> kilobytes;
      return kilobytes / 1024.0;
    }
  return NAN;
}

TEST(LargeGraph, AnalysisOfABillionParametersReadsNoWeightAndIsSmall) {
  GptBuilder builder;
  GraphWithConstants model = builder.build();
  ASSERT_GT(builder.params(), int64_t{1'000'000'000});
  const OpTable ops = builtin_ops();
  infer_shapes(model.graph, model.constants, ops);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts again from here
  const double memory = status_mb("VmRSS"), start = cpu_seconds();
  if (status_mb("VmHWM") > memory + 1.0) GTEST_SKIP() << "this kernel does not let a process reset its peak";
  const DimGroups found = analyse(model.graph, model.constants, ops);
  const double seconds = cpu_seconds() - start, megabytes = status_mb("VmHWM") - memory;
  RecordProperty("seconds", std::to_string(seconds));
  RecordProperty("megabytes", std::to_string(megabytes));
  RecordProperty("parameters", std::to_string(builder.params()));

  // Heads and the wide layer of each block, and the stream.
  EXPECT_EQ(found.units.size(), static_cast<size_t>(kLayers * (kHeads + 4 * kWidth) + kWidth));
  EXPECT_EQ(found.groups.size(), static_cast<size_t>(2 * kLayers + 1));
  for (const DimGroup& group : found.groups) EXPECT_NE(group.exactness, Exactness::kInexact) << group.name;
  EXPECT_LE(seconds, kSeconds);
  EXPECT_LE(megabytes, kMegabytes);
}

}  // namespace
}  // namespace pare
