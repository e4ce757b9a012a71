#include "core/runtime/kernel.h"

#include "core/runtime/kernels/ref/ref.h"
#if defined(PARE_X86_KERNELS)
#include "core/runtime/kernels/x86/x86.h"
#elif defined(PARE_ARM_KERNELS)
#include "core/runtime/kernels/arm/arm.h"
#endif

namespace pare {

const EncodedTensor& Weights::encoded(const std::string& name) const {
  auto it = encoded_.find(name);
  PARE_CHECK(it != encoded_.end(), ModelError, "[weights] expected a constant \"{}\", got none of that name", name);
  return it->second;
}

Tensor Weights::packed(const std::string& key, const std::function<Tensor()>& make) {
  {
    std::lock_guard lock(mutex_);
    auto it = cache_.find(key);
    if (it != cache_.end()) return it->second;
  }
  Tensor made = make();  // outside the lock: making may ask for another form
  std::lock_guard lock(mutex_);
  return cache_.emplace(key, std::move(made)).first->second;
}

void Weights::forget(const std::string& key) {
  std::lock_guard lock(mutex_);
  cache_.erase(key);
}

Tensor Weights::dense(const std::string& name) {
  const EncodedTensor& stored = encoded(name);
  return packed(name + "|dense", [&] { return decode(stored); });
}

const TensorSpec& KernelSetup::input(size_t i) const {
  check(has_input(i), fmt("expected an input {}, got none", i));
  return inputs[i];
}

const TensorSpec& KernelSetup::output(size_t i) const {
  check(i < outputs.size(), fmt("expected an output {}, got {} outputs", i, outputs.size()));
  return outputs[i];
}

Tensor KernelSetup::constant(size_t i) const {
  check(is_constant(i), fmt("expected input {} to be a constant", i));
  return weights->dense(inputs[i].constant);
}

const EncodedTensor& KernelSetup::encoded(size_t i) const {
  check(is_constant(i), fmt("expected input {} to be a constant", i));
  return weights->encoded(inputs[i].constant);
}

Tensor KernelSetup::packed(size_t i, const std::string& form, const std::function<Tensor()>& make) const {
  check(is_constant(i), fmt("expected input {} to be a constant", i));
  return weights->packed(inputs[i].constant + "|" + form, make);
}

void KernelSetup::check(bool condition, const std::string& text) const {
  if (!condition) fail(text);
}

void KernelSetup::fail(const std::string& text) const {
  throw ModelError(fmt("[{} {}] {}", node.op, node.name, text));
}

const Kernel& KernelTable::choose(const KernelSetup& setup, Isa isa) const {
  auto it = map_.find(setup.node.op);
  if (it == map_.end()) {
    std::vector<std::string> known;
    for (const auto& [op, kernels] : map_) known.push_back(op);
    throw ModelError(fmt("[executor] expected an operator with a kernel, got {} (node {}).{}", setup.node.op,
                         setup.node.name, did_you_mean(setup.node.op, known)));
  }
  for (auto kernel = it->second.rbegin(); kernel != it->second.rend(); ++kernel) {
    if (includes(isa, kernel->isa) && (!kernel->accepts || kernel->accepts(setup))) return *kernel;
  }
  std::vector<std::string> dtypes;
  for (const TensorSpec& spec : setup.inputs) dtypes.push_back(spec.present ? name_of(spec.dtype) : "-");
  throw ModelError(fmt("[executor] expected operands that a kernel of {} takes, got dtypes {} (node {})", setup.node.op,
                       dtypes, setup.node.name));
}

KernelTable builtin_kernels() {
  KernelTable table;
  add_reference_kernels(table);
#if defined(PARE_X86_KERNELS)
  add_x86_kernels(table);
#elif defined(PARE_ARM_KERNELS)
  add_arm_kernels(table);
#endif
  return table;
}

}  // namespace pare
