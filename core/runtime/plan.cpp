#include "core/runtime/plan.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace pare {

void Plan::bind(std::byte* arena, std::byte* device_arena) {
  if (arena == arena_ && device_arena == device_arena_) return;
  arena_ = arena;
  device_arena_ = device_arena;
  for (Slot& slot : slots_) {
    if (device_arena && !slot.constant.defined()) slot.on_device = device_arena + slot.offset;
    if (slot.input >= 0) continue;
    // Constants are never written: kernels get them as inputs only.
    slot.data = slot.constant.defined() ? const_cast<std::byte*>(slot.constant.bytes()) : arena + slot.offset;
  }
  for (Step& step : steps_) {
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      if (step.inputs[i] < 0) continue;
      Slot& slot = slots_[static_cast<size_t>(step.inputs[i])];
      if (step.on_device && slot.constant.defined()) slot.on_device = device_->constant(slot.constant);
      step.input_data[i] = step.on_device ? slot.on_device : slot.data;
    }
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      const Slot& slot = slots_[static_cast<size_t>(step.outputs[i])];
      step.output_data[i] = step.on_device ? slot.on_device : slot.data;
    }
  }
}

void Plan::move_operands(const Step& step) {
  for (const int index : step.moved) {
    const Slot& slot = slots_[static_cast<size_t>(index)];
    if (step.on_device) device_->upload(slot.on_device, slot.data, slot.bytes);
    else device_->download(slot.data, slot.on_device, slot.bytes);
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
      if (!step.on_device && slot >= 0 && slots_[static_cast<size_t>(slot)].input >= 0) {
        step.input_data[i] = slots_[static_cast<size_t>(slot)].data;
      }
    }
    const auto start = seconds ? Clock::now() : Clock::time_point();
    move_operands(step);
    pool.limit(step.threads);
    std::byte* arena = step.on_device ? device_arena_ : arena_;
    step.kernel.run({step.input_data, step.output_data, arena + step.workspace, pool});
    if (seconds && step.on_device) device_->synchronize();
    if (seconds) seconds->push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::vector<Tensor> results;
  results.reserve(outputs_.size());
  for (const Output& output : outputs_) {
    Tensor& result = results.emplace_back(output.dtype, output.shape);
    if (result.nbytes() == 0) continue;
    const Slot& slot = slots_[static_cast<size_t>(output.slot)];
    if (output.on_device) device_->download(result.mutable_bytes(), slot.on_device, result.nbytes());
    else std::memcpy(result.mutable_bytes(), slot.data, static_cast<size_t>(result.nbytes()));
  }
  // Inputs are lent for the length of a run.
  if (device_) device_->synchronize();
  return results;
}

}  // namespace pare
