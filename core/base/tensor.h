#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/base/dtype.h"
#include "core/base/error.h"

namespace pare {

using Shape = std::vector<int64_t>;

/// Product of the dims; throws ModelError when a dim is negative or the product overflows int64.
int64_t numel_of(const Shape& shape);

/// A dense, contiguous, row-major host tensor: a shared handle on bytes, torch-free. Copies share the data.
/// The owner may be anything (a heap block, a mapped file, a lent libtorch tensor); it lives as long as a handle does.
class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled. `shape` dims >= 0.
  Tensor(DType dtype, Shape shape);
  /// Lends `data` (numel * size_of bytes), kept alive by `owner`.
  Tensor(DType dtype, Shape shape, std::shared_ptr<const void> owner, const std::byte* data);

  template <class T>
  static Tensor of(const std::vector<T>& values, Shape shape) {
    Tensor out(dtype_of<T>, std::move(shape));
    PARE_CHECK(out.numel() == static_cast<int64_t>(values.size()), InternalError,
               "[tensor] expected {} values for shape {}, got {}", out.numel(), out.shape(), values.size());
    std::copy(values.begin(), values.end(), out.mutable_data<T>());
    return out;
  }
  template <class T>
  static Tensor scalar(T value) { return of<T>({value}, {}); }

  bool defined() const { return data_ != nullptr || defined_; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int64_t dim(int64_t i) const { return shape_.at(static_cast<size_t>(i < 0 ? i + rank() : i)); }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  int64_t numel() const { return numel_; }
  int64_t nbytes() const { return numel_ * size_of(dtype_); }
  const std::byte* bytes() const { return data_; }
  std::span<const std::byte> byte_span() const { return {data_, static_cast<size_t>(nbytes())}; }

  /// Typed read access; throws InternalError when T is not the element type.
  template <class T>
  const T* data() const {
    check_type(dtype_of<T>);
    return reinterpret_cast<const T*>(data_);
  }
  template <class T>
  std::span<const T> span() const { return {data<T>(), static_cast<size_t>(numel_)}; }
  /// Typed write access; throws InternalError when the data is lent or shared with another handle.
  template <class T>
  T* mutable_data() {
    check_type(dtype_of<T>);
    return reinterpret_cast<T*>(mutable_bytes());
  }
  std::byte* mutable_bytes();

  Tensor clone() const;
  /// The same bytes under another shape of equal numel.
  Tensor reshaped(Shape shape) const;
  /// All elements as double / int64 (any dtype), for attributes, reports and tests.
  std::vector<double> to_doubles() const;
  std::vector<int64_t> to_ints() const;
  /// Converts element type: float to integer truncates towards zero after saturation.
  Tensor to(DType dtype) const;

 private:
  void check_type(DType wanted) const;

  DType dtype_ = DType::kF32;
  bool defined_ = false;
  bool owned_ = false;
  Shape shape_;
  int64_t numel_ = 0;
  std::shared_ptr<const void> owner_;
  const std::byte* data_ = nullptr;
};

/// Same dtype, shape and bytes.
bool same_bytes(const Tensor& a, const Tensor& b);

/// A copy of `source` with only the given indices along `dim`, in that order. Indices are checked.
Tensor take(const Tensor& source, int64_t dim, std::span<const int64_t> indices);

}  // namespace pare
