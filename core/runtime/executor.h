#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/format/frozen.h"
#include "core/graph/op.h"

namespace pare {

/// Instruction sets a plan may use. kScalar is the reference and always there.
enum class Isa : uint8_t { kScalar };
const char* name_of(Isa isa);

struct ExecutorOptions {
  int threads = 1;
  Isa isa = Isa::kScalar;
  bool fuse_integer = true;     ///< QDQ islands become integer kernels; false runs every node as written
};

/// One row of `pare inspect --kernels`.
struct KernelRow {
  std::string node, op, kernel, isa;
  int64_t macs = 0, bytes = 0;
};

/// Runs a frozen model without libtorch. Results do not depend on the thread count. One instance is used by one thread
/// at a time; instances made by `share` use the same packed weights.
class Executor {
 public:
  Executor(FrozenModel model, ExecutorOptions options = {}, OpTable ops = builtin_ops());
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;
  ~Executor();
  /// Outputs in graph order. Throws ModelError when shapes or dtypes do not fit. Plans are cached per input shape.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs);
  /// Also returns intermediate values by name (for per-layer comparison).
  std::vector<Tensor> run(const std::vector<Tensor>& inputs, const std::vector<std::string>& fetch);
  Executor share() const;
  const FrozenModel& model() const;
  std::vector<KernelRow> kernels(const std::vector<Shape>& input_shapes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pare
