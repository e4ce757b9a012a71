#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/format/frozen.h"
#include "core/graph/op.h"
#include "core/import/aten_program.h"

namespace pare::aten {

/// Turns a program into a graph, call by call. Layers keep the names of their modules, constants those of the state
/// dict; half floats are widened to F32. Throws ModelError naming `where`: all calls that cannot be represented at
/// once.
FrozenModel lower(const Program& program, const OpTable& ops, const std::string& where);

/// What a rule of the lowering table works with. It refuses its call by throwing ModelError with the reason.
class Lowering {
 public:
  Lowering(const Program& program, const OpTable& ops, std::string where);

  bool has(const Call& call, const std::string& key) const;  ///< given and not None
  ValueId tensor(const Call& call, const std::string& key);
  ValueId tensor_or_none(const Call& call, const std::string& key);
  std::vector<ValueId> tensors(const Call& call, const std::string& key);
  int64_t integer(const Call& call, const std::string& key, std::optional<int64_t> fallback = {}) const;
  double number(const Call& call, const std::string& key, std::optional<double> fallback = {}) const;
  bool flag(const Call& call, const std::string& key, bool fallback) const;
  std::string text(const Call& call, const std::string& key, const std::string& fallback) const;
  std::optional<DType> dtype(const Call& call, const std::string& key) const;
  /// A list of integers that may depend on input sizes; a single integer counts as a list of one.
  DimShape dims(const Call& call, const std::string& key) const;
  /// The same as plain numbers, at most 64.
  std::vector<int64_t> integers(const Call& call, const std::string& key,
                                const std::vector<int64_t>& fallback = {}) const;
  /// Like `integers`; one number stands for all `count` of them.
  std::vector<int64_t> spread(const Call& call, const std::string& key, size_t count, int64_t fallback) const;
  /// A tensor, or a number as a literal of `dtype`.
  bool is_tensor(const Call& call, const std::string& key) const;

  const DimShape& shape(ValueId id) const { return *graph().value(id).shape; }
  int64_t rank(ValueId id) const { return static_cast<int64_t>(shape(id).size()); }
  DType dtype_of(ValueId id) const { return graph().value(id).dtype; }
  /// Argument `key` as an axis of `x`, counted from the front.
  int64_t axis(const Call& call, const std::string& key, ValueId x, std::optional<int64_t> fallback = {}) const;

  /// Adds the node that gives the call's first `outputs` results.
  void add(const Call& call, const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {}, size_t outputs = 1);
  /// Adds a helper node with one fresh output.
  ValueId step(const Call& call, const std::string& op, std::vector<ValueId> inputs, Attrs attrs = {});
  ValueId literal(const Call& call, const Tensor& tensor);
  /// Result `i` is another name for a value, or a symbolic integer.
  void alias(const Call& call, ValueId value, size_t i = 0);
  void set_symbol(const Call& call, Dim dim) { symbols_.insert_or_assign(call.outputs.at(0), std::move(dim)); }
  /// `x` reshaped; dims that are not numbers must be those of x at the same place, or the only one of that kind.
  ValueId reshape(const Call& call, ValueId x, const DimShape& target);
  /// A vector [1] with a dim of an input, read when the model runs.
  ValueId size_vector(const Call& call, const Dim& dim);
  /// `x` as another element type; `x` itself when it has it already.
  ValueId cast(const Call& call, ValueId x, DType dtype);

  FrozenModel finish();

 private:
  const Arg* find(const Call& call, const std::string& key) const;
  const Arg& get(const Call& call, const std::string& key) const;
  Dim dim_of(const Arg& arg) const;
  ValueId value_of(const std::string& name);
  void lower(const Call& call);
  void mutate(const Call& call, const std::string& op);
  void infer(NodeId id);
  std::string node_name(const Call& call) const;
  const Graph& graph() const { return out_.graph; }

  const Program& program_;
  const OpTable& ops_;
  std::string where_;
  FrozenModel out_;
  std::map<std::string, ValueId> values_;
  std::map<std::string, Dim> symbols_;
  std::map<ValueId, DimShape> contents_;
  std::set<std::string> aliased_;  // tensors that share memory with others
  std::set<std::string> lost_;     // results of refused calls and what depends on them
  std::vector<std::string> refused_;
};

/// F32 for half floats, others as they are.
DType widened(DType dtype);
/// Appends the names that an argument refers to.
void names_of(const Arg& arg, std::vector<std::string>& out);

using Rule = void (*)(Lowering&, const Call&, const char* op);

/// One row of the lowering table.
struct Row {
  const char* name;          ///< of the ATen operator, without overload
  Rule rule;                 ///< nullptr: the call only checks something
  const char* op = nullptr;  ///< the graph's operator, for rules that serve several
  bool view = false;         ///< the result shares memory with the input
};

// The table, a file an operator family.
std::span<const Row> layer_rows();
std::span<const Row> window_rows();
std::span<const Row> elementwise_rows();
std::span<const Row> shape_rows();
std::span<const Row> slice_rows();

/// nullptr when the operator is not supported.
const Row* find_row(const std::string& name);

}  // namespace pare::aten
