#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/graph/ties.h"

namespace pare {

/// One dim of one value, or a virtual dim (the groups of a convolution).
using AxisId = int32_t;
inline constexpr AxisId kNoAxis = -1;

/// Cell a_start + i * a_step of axis a is cell b_start + i * b_step of axis b, for i < length.
struct TieRun {
  AxisId a = kNoAxis;
  int64_t a_start = 0;
  AxisId b = kNoAxis;
  int64_t b_start = 0;
  int64_t length = 0;
  int64_t a_step = 1;
  int64_t b_step = 1;
};

enum class ProductKind : uint8_t { kReshape, kGroups };

/// The relations between axes, first as recorded, then resolved to classes of cells.
/// Whole axes are merged before any cell exists; cells are int32 union-find.
class TieAxes {
 public:
  /// `size` < 0: symbolic, hence frozen.
  AxisId add(int64_t size);
  int64_t size(AxisId axis) const { return size_[static_cast<size_t>(axis)]; }
  AxisId count() const { return static_cast<AxisId>(size_.size()); }
  AxisId root(AxisId axis) const;

  void same(AxisId a, AxisId b);
  void freeze(AxisId axis, const std::string& reason);
  void freeze_cell(AxisId axis, int64_t cell, const std::string& reason);
  void map(const TieRun& run) { runs_.push_back(run); }
  /// fused = factors[0] x factors[1] x ..., outermost first: one factor stays free, the others freeze.
  void product(AxisId fused, const std::vector<AxisId>& factors, ProductKind kind, const std::string& key,
               const TiePolicy& policy);

  /// Joins cells along runs and products. To be called once, after all relations.
  void resolve(const TiePolicy& policy);
  const std::map<std::string, int>& choices() const { return choices_; }

  /// Every cell of the axis is frozen, as far as is known.
  bool frozen(AxisId axis) const { return axis_reason_[static_cast<size_t>(root(axis))] != 0; }

  // After resolve:
  /// Class of a cell, dense from 0, or -1 when frozen.
  int32_t cell_class(AxisId axis, int64_t cell) const;
  int32_t classes() const { return classes_; }
  /// Place of the axis's first cell in one array over all stored cells; -1 when frozen.
  int64_t offset(AxisId axis) const { return offset_[static_cast<size_t>(root(axis))]; }
  const std::vector<int32_t>& cell_classes() const { return class_; }
  /// Classes of the axis's cells; empty when all are frozen.
  std::span<const int32_t> classes_on(AxisId axis) const;
  /// Why a cell is frozen; empty when it is not.
  const std::string& reason(AxisId axis, int64_t cell) const;

 private:
  struct Product {
    AxisId fused;
    std::vector<AxisId> factors;  // of size > 1
    std::vector<int> places;      // of those among all factors
    ProductKind kind;
    std::string key;
    int pinned;                   // place, or -1
  };
  struct FrozenCell {
    AxisId axis;
    int64_t cell;
    int32_t reason;
  };

  int32_t find(int32_t cell) const;
  void join(AxisId a, int64_t i, AxisId b, int64_t j);
  void freeze_class(int32_t cell, int32_t reason);
  void freeze_resolved(AxisId axis, int32_t reason);
  bool frozen_now(AxisId axis);
  int32_t add_reason(const std::string& text);
  void allocate();
  /// Free factors left, as indices into `factors`.
  std::vector<size_t> candidates(const Product& product);
  void settle(const Product& product, const std::vector<size_t>& free);
  void resolve_products(const TiePolicy& policy);
  void compress();

  std::vector<int64_t> size_;
  mutable std::vector<AxisId> axis_parent_;
  std::vector<int32_t> axis_reason_;  // of roots; 0: not frozen as a whole
  std::vector<std::string> reasons_{std::string()};
  std::vector<TieRun> runs_;
  std::vector<FrozenCell> frozen_cells_;
  std::vector<Product> products_;
  std::map<std::string, int> choices_;

  std::vector<int64_t> offset_;
  mutable std::vector<int32_t> parent_;
  std::vector<int32_t> cell_reason_;  // of class roots
  std::vector<int32_t> class_;
  int32_t classes_ = 0;
};

}  // namespace pare
