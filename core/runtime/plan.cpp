#include "core/runtime/plan.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace pare {

void Plan::bind(std::byte* arena) {
  if (arena == arena_) return;
  arena_ = arena;
  for (Slot& slot : slots_) {
    if (slot.input >= 0) continue;
    // Constants are never written: kernels get them as inputs only.
    slot.data = slot.constant.defined() ? const_cast<std::byte*>(slot.constant.bytes()) : arena + slot.offset;
  }
  for (Step& step : steps_) {
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      step.input_data[i] = step.inputs[i] < 0 ? nullptr : slots_[static_cast<size_t>(step.inputs[i])].data;
    }
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      step.output_data[i] = slots_[static_cast<size_t>(step.outputs[i])].data;
    }
  }
}

std::vector<Tensor> Plan::run(const std::vector<Tensor>& inputs, ThreadPool& pool, std::vector<double>* seconds) {
  using Clock = std::chrono::steady_clock;
  if (seconds) seconds->clear();
  for (Slot& slot : slots_) {
    if (slot.input >= 0) slot.data = const_cast<std::byte*>(inputs[static_cast<size_t>(slot.input)].bytes());
  }
  const ThreadPool::Awake awake(pool, parallel_);
  for (Step& step : steps_) {
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const int slot = step.inputs[i];
      if (slot >= 0 && slots_[static_cast<size_t>(slot)].input >= 0) {
        step.input_data[i] = slots_[static_cast<size_t>(slot)].data;
      }
    }
    const auto start = seconds ? Clock::now() : Clock::time_point();
    pool.limit(step.threads);
    step.kernel.run({step.input_data, step.output_data, arena_ + step.workspace, pool});
    if (seconds) seconds->push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::vector<Tensor> results;
  results.reserve(outputs_.size());
  for (const Output& output : outputs_) {
    Tensor& result = results.emplace_back(output.dtype, output.shape);
    if (result.nbytes() == 0) continue;
    std::memcpy(result.mutable_bytes(), slots_[static_cast<size_t>(output.slot)].data,
                static_cast<size_t>(result.nbytes()));
  }
  return results;
}

}  // namespace pare
