#include "core/runtime/executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <thread>

#include "core/runtime/arena.h"
#include "core/zoo/zoo.h"
#include "tests/runtime/support.h"

namespace pare::test {
namespace {

FrozenModel frozen(const GraphWithConstants& model) {
  FrozenModel out;
  out.graph = model.graph;
  for (const auto& [name, tensor] : model.constants.map()) out.constants[name] = encode_raw(tensor);
  return out;
}

FrozenModel small_model(const std::string& name = "lenet5") { return frozen(zoo(name)); }

const DimShape& input_shape(const FrozenModel& model) {
  return *model.graph.value(model.graph.inputs()[0]).shape;
}

Tensor input_for(const FrozenModel& model, int64_t batch, uint64_t seed = 1) {
  return random_floats(evaluate(input_shape(model), {{"N", batch}}), seed);
}

TEST(Executor, ResultsDoNotDependOnTheThreadCount) {
  for (const char* name : {"lenet5", "resnet20", "mobilenet_v2"}) {
    ZooOptions small;
    small.classes = 10;
    small.image_size = std::string(name) == "lenet5" ? 0 : 32;
    const FrozenModel model = frozen(zoo(name, small));
    const Tensor x = input_for(model, 2);
    std::vector<Tensor> want;
    for (int threads : {1, 2, 3}) {
      ExecutorOptions options;
      options.threads = threads;
      options.thread_nanoseconds = 0;  // all of them, also for small kernels
      const std::vector<Tensor> got = Executor(model, options).run({x});
      if (want.empty()) want = got;
      EXPECT_TRUE(same_bytes(got[0], want[0])) << name << " with " << threads << " threads";
    }
  }
}

TEST(Executor, RunsWithoutWinogradWhenAsked) {
  ZooOptions small;
  small.classes = 10;
  const FrozenModel model = frozen(zoo("resnet20", small));
  const auto with_winograd = [&](bool allowed) {
    ExecutorOptions options;
    options.winograd = allowed;
    Executor executor(model, options);
    const std::vector<KernelRow> rows = executor.kernels({evaluate(input_shape(model), {{"N", 1}})});
    return std::count_if(rows.begin(), rows.end(),
                         [](const KernelRow& row) { return row.kernel.find("winograd") != std::string::npos; });
  };
  EXPECT_EQ(with_winograd(false), 0);
  if (default_isa() == Isa::kAvx2) {
    EXPECT_GT(with_winograd(true), 0);
  }
}

TEST(Executor, SharesWeightsAmongThreadCounts) {
  const FrozenModel model = small_model();
  const Tensor x = input_for(model, 2);
  Executor executor(model);
  const Tensor want = executor.run({x})[0];
  EXPECT_TRUE(same_bytes(executor.share(3).run({x})[0], want));
}

TEST(Executor, RowsOfABatchEqualSingleRuns) {
  const FrozenModel model = small_model();
  const Tensor batch = input_for(model, 3);
  Executor executor(model);
  const Tensor together = executor.run({batch})[0];
  for (int64_t i = 0; i < 3; ++i) {
    const std::vector<int64_t> row = {i};
    EXPECT_TRUE(same_bytes(executor.run({take(batch, 0, row)})[0], take(together, 0, row)));
  }
}

// Buffers are shared over time: keeping every value alive must not change any of them.
TEST(Executor, SharingMemoryDoesNotChangeResults) {
  const FrozenModel model = small_model("resnet20");
  std::vector<std::string> names;
  for (ValueId id : model.graph.values()) {
    if (model.graph.value(id).role == Role::kActivation) names.push_back(model.graph.value(id).name);
  }
  ASSERT_GT(names.size(), 50u);
  const Tensor x = input_for(model, 2);
  Executor executor(model);
  const Tensor y = executor.run({x})[0];
  const std::vector<Tensor> all = executor.run({x}, names);
  EXPECT_TRUE(same_bytes(y, all[0]));
  for (size_t i = 0; i < names.size(); i += 9) EXPECT_TRUE(same_bytes(executor.run({x}, {names[i]})[1], all[i + 1])) << names[i];
}

TEST(Executor, PlansAreKeptPerShape) {
  const FrozenModel model = small_model();
  ExecutorOptions options;
  options.max_plans = 2;
  Executor executor(model, options);
  std::map<int64_t, Tensor> first;
  for (int round = 0; round < 2; ++round) {
    for (int64_t batch : {1, 3, 2}) {
      const Tensor y = executor.run({input_for(model, batch)})[0];
      EXPECT_EQ(y.dim(0), batch);
      if (round == 0) first[batch] = y;
      EXPECT_TRUE(same_bytes(y, first[batch])) << "batch " << batch;
    }
  }
}

TEST(Executor, InstancesRunSideBySide) {
  const FrozenModel model = small_model();
  Executor one(model);
  const Tensor x = input_for(model, 2), want = one.run({x})[0];
  Executor two = one.share();
  std::atomic<int> equal{0};
  std::vector<std::thread> threads;
  for (Executor* executor : {&one, &two}) {
    threads.emplace_back([&, executor] {
      for (int i = 0; i < 5; ++i) equal += same_bytes(executor->run({x})[0], want);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, 10);
}

TEST(Executor, OutputsMayBeInputsConstantsOrRepeated) {
  ModelBuilder b;
  const ValueId x = b.input("x", DType::kF32, {2, 3}), w = b.constant("w", random_floats({4}, 1));
  const ValueId flat = b.add("Reshape", "flat", {x}, {{"shape", std::vector<int64_t>{6}}});
  Executor executor(b.finish({x, w, flat, flat}));
  const Tensor input = random_floats({2, 3}, 2);
  const auto out = executor.run({input});
  EXPECT_TRUE(same_bytes(out[0], input));
  EXPECT_TRUE(same_bytes(out[1], random_floats({4}, 1)));
  EXPECT_TRUE(same_bytes(out[2], input.reshaped({6})));
  EXPECT_TRUE(same_bytes(out[3], out[2]));
}

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return std::string(error.kind()) + " " + error.what();
  }
  return "no error";
}

void expect_error(const std::string& error, const std::string& part) {
  EXPECT_NE(error.find(part), std::string::npos) << error;
}

TEST(ExecutorErrors, InputsThatDoNotFit) {
  const FrozenModel model = small_model();
  Executor executor(model);
  const Tensor x = input_for(model, 1);
  expect_error(error_of([&] { executor.run({}); }), "ModelError [executor] expected 1 inputs, got 0");
  expect_error(error_of([&] { executor.run({x, x}); }), "expected 1 inputs, got 2");
  expect_error(error_of([&] { executor.run({x.to(DType::kI32)}); }), "expected element type F32");
  expect_error(error_of([&] { executor.run({x.reshaped({x.numel()})}); }), "expected shape [N, ");
  expect_error(error_of([&] { executor.run({Tensor()}); }), "expected a tensor");
  expect_error(error_of([&] { executor.run({x}, {"conv1x"}); }), "Did you mean");
  EXPECT_EQ(executor.run({x}).size(), 1u) << "still usable";
}

TEST(ExecutorErrors, ModelsThatCannotRun) {
  ModelBuilder unknown;
  const ValueId x = unknown.input("x", DType::kF32, {1});
  const FrozenModel model = unknown.finish({unknown.add("Relux", "r", {x})});
  expect_error(error_of([&] { Executor(model).run({Tensor::scalar(1.0f).reshaped({1})}); }), "Relux");

  FrozenModel missing = small_model();
  const std::string name = missing.constants.begin()->first;
  missing.constants.erase(name);
  expect_error(error_of([&] { Executor executor(missing); }), name);

  FrozenModel wrong = small_model();
  wrong.constants.begin()->second = encode_raw(random_floats({1, 2, 3}, 1));
  expect_error(error_of([&] { Executor executor(wrong); }), "ModelError");
}

TEST(ExecutorErrors, MemoryLimit) {
  const FrozenModel model = small_model();
  ExecutorOptions options;
  options.memory_limit = 1 << 12;
  expect_error(error_of([&] { Executor(model, options); }), "once decoded");
  options.memory_limit = 1 << 18;  // the constants fit, the activations of 64 images do not
  Executor executor(model, options);
  expect_error(error_of([&] { executor.run({input_for(model, 64)}); }), "memory_limit");
  expect_error(error_of([&] { executor.kernels({{int64_t{1} << 60, 1, 28, 28}}); }), "ModelError");
  ExecutorOptions none;
  none.threads = 0;
  expect_error(error_of([&] { Executor(model, none); }), "ConfigError");
}

// A program's own operator and kernel.
TEST(KernelTable, TakesKernelsFromOutside) {
  OpTable ops = builtin_ops();
  OpDef def;
  def.name = "user.Twice";
  def.infer = [](InferContext& context) { context.set(0, context.shape(0), context.dtype(0)); };
  ops.add(def);
  KernelTable kernels = builtin_kernels();
  kernels.add({"user.Twice", "user.twice", Isa::kScalar, [](const KernelSetup& setup) -> BoundKernel {
                 const int64_t numel = setup.input(0).numel;
                 return {[numel](const KernelCall& call) {
                   for (int64_t i = 0; i < numel; ++i) call.out<float>()[i] = 2.0f * call.in<float>(0)[i];
                 }};
               }});
  ModelBuilder b;
  const ValueId x = b.input("x", DType::kF32, {3});
  Executor executor(b.finish({b.add("user.Twice", "twice", {x})}), {}, ops, kernels);
  EXPECT_EQ(executor.run({Tensor::of<float>({1, 2, 3}, {3})})[0].to_doubles(), (std::vector<double>{2, 4, 6}));
}

TEST(KernelTable, HasAKernelForEveryOperator) {
  const KernelTable kernels = builtin_kernels();
  const OpTable ops = builtin_ops();
  for (const auto& [name, def] : ops.map()) EXPECT_TRUE(kernels.has(name)) << name;
}

TEST(Kernels, RowsNameNodesAndCountWork) {
  Executor executor(small_model("resnet20"));
  int64_t macs = 0;
  for (const KernelRow& row : executor.kernels({{1, 3, 32, 32}})) {
    EXPECT_FALSE(row.kernel.empty());
    EXPECT_GT(row.bytes, 0);
    macs += row.macs;
  }
  EXPECT_NEAR(static_cast<double>(macs), 40.8e6, 0.3e6) << "He et al. 2016, ResNet-20";
}

TEST(Arena, BuffersAliveTogetherDoNotOverlap) {
  Rng rng(5);
  std::vector<ArenaBuffer> buffers;
  int64_t total = 0;
  for (int64_t step = 0; step < 200; ++step) {
    const auto bytes = static_cast<int64_t>(rng.below(5000));
    buffers.push_back({bytes, step, step + static_cast<int64_t>(rng.below(12)), 0});
    total += bytes;
  }
  const int64_t size = place_buffers(buffers, int64_t{1} << 30);
  for (size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(buffers[i].offset % 64, 0);
    EXPECT_LE(buffers[i].offset + buffers[i].bytes, size);
    for (size_t j = 0; j < i; ++j) {
      const bool together = buffers[i].first <= buffers[j].last && buffers[j].first <= buffers[i].last;
      const bool apart = buffers[i].offset + buffers[i].bytes <= buffers[j].offset || buffers[j].offset + buffers[j].bytes <= buffers[i].offset;
      EXPECT_TRUE(!together || apart) << i << " " << j;
    }
  }
  EXPECT_LT(size, total / 4) << "memory is used again";
}

TEST(ThreadPool, PartsAreLimitedAndRunWhetherThreadsAreAwakeOrAsleep) {
  ThreadPool pool(3);
  for (const int most : {3, 2, 1, 3}) {
    pool.limit(most);
    for (const bool awake : {false, true, false}) {
      const ThreadPool::Awake scope(pool, awake);
      for (int round = 0; round < 200; ++round) {
        std::array<int64_t, 3> sums{};
        pool.parallel(7, 1, [&](int64_t begin, int64_t end, int thread) {
          for (int64_t i = begin; i < end; ++i) sums.at(static_cast<size_t>(thread)) += i;
        });
        ASSERT_EQ(sums[0] + sums[1] + sums[2], 21);
        ASSERT_EQ(sums[2] != 0, most == 3);
        ASSERT_EQ(sums[1] != 0, most >= 2);
      }
    }
  }
}

TEST(ThreadPool, CoversEveryIndexOnceAndPassesErrorsOn) {
  ThreadPool pool(3);
  for (int64_t count : {0, 1, 2, 3, 100}) {
    std::vector<int> hits(static_cast<size_t>(count));
    pool.parallel(count, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) ++hits[static_cast<size_t>(i)];
    });
    for (int hit : hits) EXPECT_EQ(hit, 1);
  }
  for (int round = 0; round < 3; ++round) {
    EXPECT_THROW(pool.parallel(3, 1, [](int64_t begin, int64_t, int) { PARE_CHECK(begin != 1, DataError, "part {}", begin); }), DataError);
  }
}

}  // namespace
}  // namespace pare::test
