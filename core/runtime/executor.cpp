#include "core/runtime/executor.h"

#include <cstdint>
#include <new>

#include "core/runtime/cuda/bind.h"
#include "core/runtime/kernel.h"
#include "core/runtime/plan.h"

namespace pare {
namespace {

struct Tables {
  OpTable ops;
  KernelTable kernels;
};

std::shared_ptr<const Tables> builtin_tables() {
  static const auto kTables = std::make_shared<const Tables>(Tables{builtin_ops(), builtin_kernels()});
  return kTables;
}

// Everything that instances share; read-only but for the packed weights, which guard themselves.
struct Shared {
  FrozenModel model;
  std::shared_ptr<const Tables> tables;
  Weights weights{model.constants};
  ConstantStore contents;
  std::shared_ptr<CudaDevice> device;

  Shared(FrozenModel m, std::shared_ptr<const Tables> t, const ExecutorOptions& options)
      : model(std::move(m)), tables(std::move(t)) {
    if (options.device.cuda) {
      device = CudaDevice::open(options.device.index);
      auto own = std::make_shared<Tables>(*tables);
      add_cuda_kernels(own->kernels, device);
      tables = std::move(own);
    }
    model.graph.verify_structure();
    check_size(options.memory_limit);
    for (ValueId id : model.graph.values()) {
      const Value& value = model.graph.value(id);
      if (value.is_constant()) check_constant(value);
    }
  }

  // A few bytes of a sparse layout may stand for any number of zeros.
  void check_size(int64_t memory_limit) {
    int64_t total = 0;
    for (ValueId id : model.graph.values()) {
      const Value& value = model.graph.value(id);
      if (!value.is_constant()) continue;
      const EncodedTensor& stored = weights.encoded(value.name);
      int64_t bytes = 0;
      PARE_CHECK(!__builtin_mul_overflow(numel_of(stored.shape), size_of(stored.dtype), &bytes) &&
                     !__builtin_add_overflow(total, bytes, &total) && total <= memory_limit,
                 ModelError, "[constant {}] expected constants of at most {} bytes once decoded, got shape {}. Raise memory_limit",
                 value.name, memory_limit, stored.shape);
    }
  }

  void check_constant(const Value& value) {
    const EncodedTensor& stored = weights.encoded(value.name);
    PARE_CHECK(stored.dtype == value.dtype, ModelError, "[constant {}] expected element type {}, got {}", value.name,
               value.dtype, stored.dtype);
    PARE_CHECK(value.shape && *value.shape == to_dims(stored.shape), ModelError,
               "[constant {}] expected shape {}, got {}", value.name, value.shape.value_or(DimShape{}), stored.shape);
    if (value.dtype == DType::kI64 || value.dtype == DType::kI32) contents.set(value.name, weights.dense(value.name));
  }
};

}  // namespace

struct Executor::Impl {
  std::shared_ptr<Shared> shared;
  ExecutorOptions options;
  ThreadPool pool;
  std::vector<std::unique_ptr<Plan>> plans;   // oldest first
  Tensor arena;
  std::shared_ptr<std::byte> device_arena;
  int64_t device_bytes = 0;

  Impl(std::shared_ptr<Shared> s, ExecutorOptions o) : shared(std::move(s)), options(o), pool(o.threads) {
    PARE_CHECK(options.isa <= supported_isa(), ConfigError, "[executor] expected an instruction set of this CPU, at most {}, got {}",
               name_of(supported_isa()), name_of(options.isa));
    PARE_CHECK(options.max_plans >= 1, ConfigError, "[executor] expected max_plans >= 1, got {}", options.max_plans);
  }

  Plan& plan_for(PlanRequest request) {
    for (const auto& plan : plans) {
      if (plan->request() == request) return *plan;
    }
    const PlanSource source{shared->model.graph,     shared->contents, shared->tables->ops, shared->tables->kernels,
                            shared->weights, options, shared->device};
    try {
      auto plan = std::make_unique<Plan>(source, std::move(request));
      if (!arena.defined() || arena.nbytes() < plan->arena_bytes()) arena = Tensor(DType::kU8, {plan->arena_bytes()});
      if (shared->device && device_bytes < plan->arena_bytes()) {
        device_arena = shared->device->allocate(plan->arena_bytes());
        device_bytes = plan->arena_bytes();
      }
      if (plans.size() >= static_cast<size_t>(options.max_plans)) plans.erase(plans.begin());
      return *plans.emplace_back(std::move(plan));
    } catch (const std::bad_alloc&) {
      throw ModelError("[executor] the memory does not suffice for inputs of this shape. Use smaller inputs");
    }
  }

  std::vector<Tensor> run(const std::vector<Tensor>& given, const std::vector<std::string>& fetch,
                          std::vector<double>* seconds = nullptr) {
    PlanRequest request{{}, fetch};
    std::vector<Tensor> inputs = given;
    for (size_t i = 0; i < inputs.size(); ++i) {
      check_input(i, inputs[i]);
      request.inputs.push_back(inputs[i].shape());
      // Kernels read whole elements: a lent buffer may start anywhere.
      const auto address = reinterpret_cast<uintptr_t>(inputs[i].bytes());
      if (address % static_cast<uintptr_t>(size_of(inputs[i].dtype())) != 0) inputs[i] = inputs[i].clone();
    }
    Plan& plan = plan_for(std::move(request));
    plan.bind(arena.mutable_bytes(), device_arena.get());
    return plan.run(inputs, pool, seconds);
  }

  void check_input(size_t i, const Tensor& tensor) const {
    const Graph& graph = shared->model.graph;
    if (i >= graph.inputs().size()) return;  // the plan counts them
    const Value& value = graph.value(graph.inputs()[i]);
    PARE_CHECK(tensor.defined(), ModelError, "[executor] expected a tensor for input \"{}\", got none", value.name);
    PARE_CHECK(tensor.dtype() == value.dtype, ModelError, "[executor] expected element type {} for input \"{}\", got {}",
               value.dtype, value.name, tensor.dtype());
  }
};

Executor::Executor(FrozenModel model, ExecutorOptions options)
    : impl_(std::make_unique<Impl>(std::make_shared<Shared>(std::move(model), builtin_tables(), options),
                                   options)) {}

Executor::Executor(FrozenModel model, ExecutorOptions options, OpTable ops)
    : Executor(std::move(model), options, std::move(ops), builtin_kernels()) {}

Executor::Executor(FrozenModel model, ExecutorOptions options, OpTable ops, KernelTable kernels)
    : impl_(std::make_unique<Impl>(
          std::make_shared<Shared>(std::move(model),
                                   std::make_shared<const Tables>(Tables{std::move(ops), std::move(kernels)}), options),
          options)) {}

Executor::Executor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;
Executor::~Executor() = default;

std::vector<Tensor> Executor::run(const std::vector<Tensor>& inputs) { return impl_->run(inputs, {}); }

std::vector<Tensor> Executor::run(const std::vector<Tensor>& inputs, const std::vector<std::string>& fetch) {
  return impl_->run(inputs, fetch);
}

std::vector<double> Executor::time_kernels(const std::vector<Tensor>& inputs) {
  std::vector<double> seconds;
  impl_->run(inputs, {}, &seconds);
  return seconds;
}

Executor Executor::share() const {
  return share(impl_->options.threads);
}

Executor Executor::share(int threads) const {
  ExecutorOptions options = impl_->options;
  options.threads = threads;
  return Executor(std::make_unique<Impl>(impl_->shared, options));
}

const FrozenModel& Executor::model() const { return impl_->shared->model; }

std::vector<KernelRow> Executor::kernels(const std::vector<Shape>& input_shapes) {
  return impl_->plan_for({input_shapes, {}}).rows();
}

}  // namespace pare
