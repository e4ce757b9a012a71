#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/format/frozen.h"
#include "core/graph/op.h"

namespace pare {

class KernelTable;  // core/runtime/kernel.h

/// Instruction sets a plan may use, each with those of its architecture before it; of x86, AVX-512 goes without AVX-VNNI.
/// kScalar is the reference and always there. kAvx2 includes FMA, kAvx512 is F, BW, DQ and VL; kNeonDot has SDOT, kNeonI8mm
/// SMMLA.
enum class Isa : uint8_t { kScalar, kAvx2, kAvxVnni, kAvx512, kAvx512Vnni, kNeon, kNeonDot, kNeonI8mm };
const char* name_of(Isa isa);
/// Whether plans at `level` may use what is compiled for `part`.
bool includes(Isa level, Isa part);
/// The levels of this build's architecture, from the lowest up.
std::vector<Isa> isa_levels();
/// The highest level that this CPU and this build have.
Isa supported_isa();
/// supported_isa(), unless the environment variable PARE_ISA names a lower level. Throws ConfigError when it names none.
Isa default_isa();
/// The level of that name. Throws ConfigError when there is none.
Isa isa_named(const std::string& name);

/// What runs the kernels: this CPU, or a GPU through the plugin libpare_cuda.so (core/runtime/README.md).
struct DeviceChoice {
  bool cuda = false;
  int index = 0;   ///< which GPU
  bool operator==(const DeviceChoice&) const = default;
};
/// "cpu", "cuda" or "cuda:N". Throws ConfigError for anything else.
DeviceChoice device_named(const std::string& name);

struct ExecutorOptions {
  int threads = 1;
  int64_t thread_nanoseconds = 10000;  ///< estimated work that is worth another thread; 0: all kernels use all threads
  Isa isa = default_isa();      ///< at most supported_isa()
  DeviceChoice device = {};     ///< operators without a kernel on a GPU run on the CPU, with copies
  bool fuse_integer = true;     ///< QDQ islands become integer kernels; false runs every node as written
  bool fuse_float = true;       ///< float convolutions take over the sum and the activation behind them, where a kernel can
  bool winograd = true;         ///< 3x3 float convolutions may run by Winograd's algorithm, which rounds more
  int max_plans = 16;           ///< input shapes whose plans are kept; the oldest goes first
  int64_t memory_limit = int64_t{1} << 36;  ///< bytes that activations and workspace of a plan, and all decoded constants, may take
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
  /// With the operators and kernels of the toolkit, which all such executors share.
  Executor(FrozenModel model, ExecutorOptions options = {});
  Executor(FrozenModel model, ExecutorOptions options, OpTable ops);
  /// With a program's own kernels.
  Executor(FrozenModel model, ExecutorOptions options, OpTable ops, KernelTable kernels);
  Executor(Executor&&) noexcept;
  Executor& operator=(Executor&&) noexcept;
  ~Executor();
  /// Outputs in graph order. Throws ModelError when shapes or dtypes do not fit. Plans are cached per input shape.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs);
  /// Also returns intermediate values by name behind the outputs (for per-layer comparison). A fetched value is kept as
  /// written: no island swallows it.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs, const std::vector<std::string>& fetch);
  /// Runs and returns the seconds of each row of `kernels`.
  std::vector<double> time_kernels(const std::vector<Tensor>& inputs);
  Executor share() const;
  /// The same on `threads` threads.
  Executor share(int threads) const;
  const FrozenModel& model() const;
  std::vector<KernelRow> kernels(const std::vector<Shape>& input_shapes);

 private:
  struct Impl;
  explicit Executor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pare
