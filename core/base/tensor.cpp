#include "core/base/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/gather.h"
#include "core/base/half.h"

namespace pare {

int64_t numel_of(const Shape& shape) {
  int64_t total = 1;
  for (int64_t dim : shape) {
    PARE_CHECK(dim >= 0, ModelError, "[shape] expected dims >= 0, got {}", shape);
    PARE_CHECK(!__builtin_mul_overflow(total, dim, &total), ModelError, "[shape] too many elements in {}", shape);
  }
  return total;
}

static int64_t checked_bytes(DType dtype, const Shape& shape) {
  int64_t bytes = 0;
  PARE_CHECK(!__builtin_mul_overflow(numel_of(shape), size_of(dtype), &bytes), ModelError,
             "[shape] too many bytes in {} of {}", shape, dtype);
  return bytes;
}

// 64 bytes: a cache line and the widest vector register.
static constexpr std::align_val_t kAlignment{64};

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), defined_(true), owned_(true), shape_(std::move(shape)) {
  const int64_t bytes = checked_bytes(dtype_, shape_);
  numel_ = numel_of(shape_);
  auto* block = static_cast<std::byte*>(::operator new(static_cast<size_t>(std::max<int64_t>(bytes, 1)), kAlignment));
  std::memset(block, 0, static_cast<size_t>(bytes));
  owner_ = std::shared_ptr<const void>(block, [](const void* p) { ::operator delete(const_cast<void*>(p), kAlignment); });
  data_ = block;
}

Tensor::Tensor(DType dtype, Shape shape, std::shared_ptr<const void> owner, const std::byte* data)
    : dtype_(dtype), defined_(true), shape_(std::move(shape)), owner_(std::move(owner)), data_(data) {
  checked_bytes(dtype_, shape_);
  numel_ = numel_of(shape_);
}

void Tensor::check_type(DType wanted) const {
  PARE_CHECK(wanted == dtype_, InternalError, "[tensor] expected element type {}, got {} (shape {})", wanted, dtype_,
             shape_);
}

std::byte* Tensor::mutable_bytes() {
  PARE_CHECK(owned_ && owner_.use_count() == 1, InternalError,
             "[tensor] expected an unshared tensor to write to, got a lent or shared one (shape {})", shape_);
  return const_cast<std::byte*>(data_);
}

Tensor Tensor::clone() const {
  Tensor out(dtype_, shape_);
  if (nbytes() > 0) std::memcpy(out.mutable_bytes(), data_, static_cast<size_t>(nbytes()));
  return out;
}

Tensor Tensor::reshaped(Shape shape) const {
  PARE_CHECK(numel_of(shape) == numel_, ModelError, "[reshape] expected {} elements, got shape {} (from {})", numel_,
             shape, shape_);
  Tensor out = *this;
  out.shape_ = std::move(shape);
  return out;
}

namespace {

// Calls f(const T*) with the element type; half types are read as their bit patterns' float value through `Half`.
template <class F>
void visit(DType dtype, const std::byte* data, F&& f) {
  switch (dtype) {
    case DType::kF32: return f(reinterpret_cast<const float*>(data));
    case DType::kF64: return f(reinterpret_cast<const double*>(data));
    case DType::kF16: return f(reinterpret_cast<const Half*>(data));
    case DType::kBF16: return f(reinterpret_cast<const BFloat16*>(data));
    case DType::kI8: return f(reinterpret_cast<const int8_t*>(data));
    case DType::kU8: return f(reinterpret_cast<const uint8_t*>(data));
    case DType::kI16: return f(reinterpret_cast<const int16_t*>(data));
    case DType::kU16: return f(reinterpret_cast<const uint16_t*>(data));
    case DType::kI32: return f(reinterpret_cast<const int32_t*>(data));
    case DType::kU32: return f(reinterpret_cast<const uint32_t*>(data));
    case DType::kI64: return f(reinterpret_cast<const int64_t*>(data));
    case DType::kU64: return f(reinterpret_cast<const uint64_t*>(data));
    case DType::kBool: return f(reinterpret_cast<const bool*>(data));
  }
}

template <class To>
To cast_element(double value) {
  if constexpr (std::is_integral_v<To> && !std::is_same_v<To, bool>) {
    if (std::isnan(value)) return 0;
    const double low = static_cast<double>(std::numeric_limits<To>::min());
    const double high = static_cast<double>(std::numeric_limits<To>::max());
    if (value <= low) return std::numeric_limits<To>::min();
    if (value >= high) return std::numeric_limits<To>::max();
    return static_cast<To>(value);
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != 0.0;
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

std::vector<double> Tensor::to_doubles() const {
  std::vector<double> out(static_cast<size_t>(numel_));
  visit(dtype_, data_, [&](const auto* p) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(p[i]);
  });
  return out;
}

std::vector<int64_t> Tensor::to_ints() const {
  std::vector<int64_t> out(static_cast<size_t>(numel_));
  visit(dtype_, data_, [&](const auto* p) {
    using T = std::remove_cvref_t<decltype(*p)>;
    for (size_t i = 0; i < out.size(); ++i) {
      if constexpr (std::is_integral_v<T>) out[i] = static_cast<int64_t>(p[i]);
      else out[i] = cast_element<int64_t>(static_cast<double>(p[i]));
    }
  });
  return out;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor out(dtype, shape_);
  std::byte* target = out.mutable_bytes();
  visit(dtype_, data_, [&](const auto* from) {
    visit(dtype, target, [&](const auto* to_const) {
      using From = std::remove_cvref_t<decltype(*from)>;
      using To = std::remove_cvref_t<decltype(*to_const)>;
      auto* to = const_cast<To*>(to_const);
      for (int64_t i = 0; i < numel_; ++i) {
        if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) to[i] = static_cast<To>(from[i]);
        else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>)
          to[i] = To(static_cast<float>(from[i]));
        else to[i] = cast_element<To>(static_cast<double>(from[i]));
      }
    });
  });
  return out;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         (a.nbytes() == 0 || std::memcmp(a.bytes(), b.bytes(), static_cast<size_t>(a.nbytes())) == 0);
}

Tensor take(const Tensor& source, int64_t dim, std::span<const int64_t> indices) {
  const CellGather gather(source.shape(), size_of(source.dtype()), {{dim, indices}});
  Tensor out(source.dtype(), gather.shape());
  gather.run(source.bytes(), out.mutable_bytes());
  return out;
}

}  // namespace pare
