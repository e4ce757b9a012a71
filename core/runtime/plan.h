#pragma once

#include <string>
#include <vector>

#include "core/runtime/cuda/device.h"
#include "core/runtime/kernel.h"

namespace pare {

/// What a plan is made for.
struct PlanRequest {
  std::vector<Shape> inputs;
  std::vector<std::string> fetch;
  bool operator==(const PlanRequest&) const = default;
};

/// What plans are made from; outlives them.
struct PlanSource {
  const Graph& graph;
  const ConstantStore& contents;   ///< integer constants, for shape rules
  const OpTable& ops;
  const KernelTable& kernels;
  Weights& weights;
  ExecutorOptions options;
  std::shared_ptr<CudaDevice> device = {};   ///< none: all kernels run on the CPU
};

/// A model at concrete input shapes: nodes bound to kernels, values laid out in one arena.
class Plan {
 public:
  /// Throws ModelError when shapes do not fit, an operator has no kernel, or memory_limit would be exceeded.
  Plan(const PlanSource& source, PlanRequest request);

  const PlanRequest& request() const { return request_; }
  int64_t arena_bytes() const { return arena_bytes_; }
  const std::vector<KernelRow>& rows() const { return rows_; }
  /// Uses `arena` (arena_bytes, 64-byte aligned) from now on, and as much device memory where there is a device.
  void bind(std::byte* arena, std::byte* device_arena = nullptr);
  /// Outputs in graph order, then the fetched values. `seconds`, when given, gets what each row took.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs, ThreadPool& pool, std::vector<double>* seconds = nullptr);

 private:
  friend class PlanBuilder;
  // Where a value's bytes are.
  struct Slot {
    int input = -1;           // graph input, else
    Tensor constant;          // constant when defined, else
    int64_t offset = 0;       // in the arena
    std::byte* data = nullptr;
    int64_t bytes = 0;
    std::byte* on_device = nullptr;   // where the device has it, at the same offset of its arena
  };
  struct Step {
    BoundKernel kernel;
    std::string name;
    std::vector<int> inputs, outputs;   // slots, -1: absent
    int64_t workspace = 0;              // offset in the arena
    int threads = 1;                    // as many as its work is worth
    bool on_device = false;
    std::vector<int> moved;             // slots that come from the other side first
    std::vector<const std::byte*> input_data;
    std::vector<std::byte*> output_data;
  };
  struct Output {
    int slot = -1;
    DType dtype = DType::kF32;
    Shape shape;
    bool on_device = false;   // only there
  };

  void move_operands(const Step& step);

  PlanRequest request_;
  std::vector<Slot> slots_;
  std::vector<Step> steps_;
  std::vector<Output> outputs_;
  std::vector<KernelRow> rows_;
  bool parallel_ = false;               // a step uses more than one thread
  int64_t arena_bytes_ = 0;
  std::byte* arena_ = nullptr;
  std::byte* device_arena_ = nullptr;
  std::shared_ptr<CudaDevice> device_;
};

}  // namespace pare
