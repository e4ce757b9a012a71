#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

#include "core/graph/ties.h"
#include "core/model/model.h"

namespace pare {

/// The trained slices that must be zero for a unit to count as zeroed (its zero-invariant group), as index maps: sums
/// over units and scalings of units are a few tensor operations a parameter, whatever the number of units.
class UnitTable {
 public:
  /// A tensor of the shape of the named parameter.
  using TensorOf = std::function<at::Tensor(const std::string& param)>;

  /// `allowed` by group; units of other groups own nothing here.
  UnitTable(const DimGroups& groups, const std::vector<bool>& allowed, const Model& model);

  int64_t units() const { return units_; }
  /// Elements of each unit, [units] fp64; 0 for those that own nothing.
  const at::Tensor& sizes() const { return sizes_; }
  /// Parameters with slices, each once.
  const std::vector<std::string>& params() const { return params_; }
  /// Sum of `value(param)` over each unit's elements, [units] fp64 on the CPU.
  at::Tensor sums(const TensorOf& value) const;
  /// Multiplies each unit's elements of `target(param)`, in place, by its factor ([units], any float type). Tensors
  /// that are undefined or have another shape than the parameter are passed over.
  void scale(const TensorOf& target, const at::Tensor& factors) const;

 private:
  struct Operand {
    std::string param;
    int64_t dim = 0;
    at::Tensor unit_of_cell;            // [size of the dim] int64; `units_` where no unit owns the cell
    int64_t start = 0;                  // of its cells in `unit_of_any_cell_`
    std::vector<int64_t> others, view;  // dims to sum over; shape that broadcasts along `dim`
    std::vector<int64_t> shape;
  };
  std::vector<Operand> operands_;
  std::vector<std::string> params_;
  at::Tensor unit_of_any_cell_;
  at::Tensor sizes_;
  int64_t units_ = 0;
};

}  // namespace pare
