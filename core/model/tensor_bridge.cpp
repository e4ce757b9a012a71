#include "core/model/tensor_bridge.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <array>

namespace pare {
namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 13> kTypes = {{
    {DType::kF32, at::kFloat}, {DType::kF64, at::kDouble}, {DType::kF16, at::kHalf}, {DType::kBF16, at::kBFloat16},
    {DType::kI8, at::kChar}, {DType::kU8, at::kByte}, {DType::kI16, at::kShort}, {DType::kU16, at::kUInt16},
    {DType::kI32, at::kInt}, {DType::kU32, at::kUInt32}, {DType::kI64, at::kLong}, {DType::kU64, at::kUInt64},
    {DType::kBool, at::kBool}}};

}  // namespace

at::ScalarType to_torch(DType dtype) {
  for (const auto& [ours, theirs] : kTypes)
    if (ours == dtype) return theirs;
  throw InternalError(fmt("[tensor] no libtorch element type for {}", dtype));
}

DType from_torch(at::ScalarType type) {
  for (const auto& [ours, theirs] : kTypes)
    if (theirs == type) return ours;
  throw ModelError(fmt("[tensor] element type {} of libtorch is not supported", c10::toString(type)));
}

Tensor lend(const at::Tensor& tensor) {
  const auto owner = std::make_shared<at::Tensor>(tensor.detach().cpu().contiguous());
  return Tensor(from_torch(owner->scalar_type()), owner->sizes().vec(), owner,
                static_cast<const std::byte*>(owner->const_data_ptr()));
}

at::Tensor borrow(const Tensor& tensor) {
  const auto options = at::TensorOptions().dtype(to_torch(tensor.dtype()));
  if (tensor.numel() == 0) return at::empty(tensor.shape(), options);
  // libtorch has no read-only tensors; the handle in the deleter keeps the bytes alive.
  auto* data = const_cast<std::byte*>(tensor.bytes());
  return at::from_blob(data, tensor.shape(), [keep = tensor](void*) {}, options);
}

}  // namespace pare
