#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "core/format/frozen.h"
#include "core/runtime/executor.h"
#include "core/runtime/thread_pool.h"

namespace pare {

/// The constants of a frozen model for kernels: decoded on demand, and packed once for all plans and instances.
/// Thread-safe.
class Weights {
 public:
  explicit Weights(const std::map<std::string, EncodedTensor>& encoded) : encoded_(encoded) {}
  /// Throws ModelError when there is no such constant.
  const EncodedTensor& encoded(const std::string& name) const;
  /// The dense tensor.
  Tensor dense(const std::string& name);
  /// The result of `make`, kept under `key`, which names the constant and its form.
  Tensor packed(const std::string& key, const std::function<Tensor()>& make);
  /// Keeps a result no longer; it is made again when asked for.
  void forget(const std::string& key);

 private:
  const std::map<std::string, EncodedTensor>& encoded_;
  std::mutex mutex_;
  std::map<std::string, Tensor> cache_;
};

/// Dtype and concrete shape of an operand.
struct TensorSpec {
  bool present = false;   ///< false: an optional operand that the node leaves out
  DType dtype = DType::kF32;
  Shape shape;
  int64_t numel = 0;
  std::string constant;   ///< name of the constant, empty for activations

  int64_t rank() const { return static_cast<int64_t>(shape.size()); }
  int64_t dim(int64_t i) const { return shape.at(static_cast<size_t>(i < 0 ? i + rank() : i)); }
};

/// What a kernel knows when a plan is made: everything but the activations' contents.
struct KernelSetup {
  const Node& node;
  std::vector<TensorSpec> inputs;
  std::vector<TensorSpec> outputs;
  Weights* weights = nullptr;
  int threads = 1;
  bool winograd = true;   ///< ExecutorOptions::winograd

  const Attrs& attrs() const { return node.attrs; }
  bool has_input(size_t i) const { return i < inputs.size() && inputs[i].present; }
  /// Throws ModelError when the operand is absent.
  const TensorSpec& input(size_t i) const;
  const TensorSpec& output(size_t i = 0) const;
  bool is_constant(size_t i) const { return has_input(i) && !inputs[i].constant.empty(); }
  /// Dense / encoded form of a constant operand.
  Tensor constant(size_t i) const;
  const EncodedTensor& encoded(size_t i) const;
  /// A repacked constant, shared by all plans: `form` names the layout, e.g. "gemm.k16".
  Tensor packed(size_t i, const std::string& form, const std::function<Tensor()>& make) const;
  /// Throws ModelError `[op node] text` unless the condition holds.
  void check(bool condition, const std::string& text) const;
  [[noreturn]] void fail(const std::string& text) const;
};

/// Operands of one run of a step, in the node's order; absent optional inputs are null.
struct KernelCall {
  std::span<const std::byte* const> inputs;
  std::span<std::byte* const> outputs;
  std::byte* workspace = nullptr;   ///< 64-byte aligned, of the size that the kernel asked for
  ThreadPool& pool;

  template <class T> const T* in(size_t i) const { return reinterpret_cast<const T*>(inputs[i]); }
  template <class T> T* out(size_t i = 0) const { return reinterpret_cast<T*>(outputs[i]); }
};

/// A kernel bound to one node at concrete shapes: run() decides and allocates nothing.
struct BoundKernel {
  std::function<void(const KernelCall&)> run;
  int64_t workspace = 0;   ///< bytes, for all threads together
  /// Constant operands that were repacked: they are null at run time, so that their dense form need not exist.
  std::vector<size_t> repacked = {};
};

/// One row of the kernel table.
struct Kernel {
  std::string op;
  std::string name;        ///< e.g. "ref.conv"
  Isa isa = Isa::kScalar;
  /// Checks shapes and attributes (ModelError), repacks constants, fixes the geometry.
  std::function<BoundKernel(const KernelSetup&)> bind;
  /// Whether the kernel can do this node; null: always.
  std::function<bool(const KernelSetup&)> accepts;
  /// The output is the bytes of input 0 under another shape: nothing runs.
  bool alias = false;
  /// Operator of the domain `pare.plan` that also takes a residual and bounds of the result (attributes low, high) for nodes
  /// that this kernel accepts; empty: none.
  std::string fused = {};
  /// Runs on the executor's device: operands and workspace are device memory.
  bool on_device = false;
};

/// All kernels in one explicit list; a value that is passed around, so that a program can add its own.
class KernelTable {
 public:
  void add(Kernel kernel) { map_[kernel.op].push_back(std::move(kernel)); }
  /// The last added kernel of the node's operator that accepts the node at an instruction set up to `isa`.
  /// Throws ModelError with the nearest names for an unknown operator.
  const Kernel& choose(const KernelSetup& setup, Isa isa) const;
  bool has(const std::string& op) const { return map_.count(op) != 0; }
  const std::map<std::string, std::vector<Kernel>>& map() const { return map_; }

 private:
  std::map<std::string, std::vector<Kernel>> map_;
};

/// Every kernel of the toolkit.
KernelTable builtin_kernels();

}  // namespace pare
