#pragma once

#include <functional>

#include "core/format/encoding.h"

namespace pare {

/// Where the stored elements of a tensor sit: element k of the payload is flat (row-major) element `at(k)`.
/// The dense layout keeps no list.
class Positions {
 public:
  static Positions dense(int64_t count) { return Positions(count); }
  static Positions listed(std::vector<int64_t> list) {
    Positions out(static_cast<int64_t>(list.size()));
    out.list_ = std::move(list);
    out.dense_ = false;
    return out;
  }
  int64_t count() const { return count_; }
  int64_t at(int64_t k) const { return dense_ ? k : list_[static_cast<size_t>(k)]; }
  /// True when every element is stored, in order.
  bool is_dense() const { return dense_; }

 private:
  explicit Positions(int64_t count) : count_(count) {}
  int64_t count_;
  bool dense_ = true;
  std::vector<int64_t> list_;
};

/// Chooses the elements to store and adds the layout's parts ("mask", "index") to `out.parts`.
/// `is_zero(i)`: flat element i decodes to zero. Throws ModelError when the tensor does not have the layout's structure.
Positions write_layout(EncodedTensor& out, const std::function<bool(int64_t)>& is_zero);

/// Reads the layout's parts back; throws ModelError when a part is missing or its size or content does not fit.
Positions read_layout(const EncodedTensor& encoded);

/// A part of a constant; throws ModelError when it is missing or has another element type or element count.
const Tensor& part_of(const EncodedTensor& encoded, const std::string& name, DType dtype, int64_t count);

}  // namespace pare
