#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/config_write.h"
#include "core/base/quant_math.h"
#include "core/format/encoding.h"
#include "core/graph/remap.h"

namespace pare {

/// A differentiable map on one parameter. Links of a chain are sorted transform < mask < quant, so that a masked,
/// quantized weight is quantized after masking whoever came first.
class Parametrization {
 public:
  enum class Order { kTransform = 0, kMask = 1, kQuant = 2 };
  virtual ~Parametrization() = default;
  /// Stable name under which checkpoints find the factory, e.g. "mask", "affine".
  virtual std::string kind() const = 0;
  virtual Order order() const = 0;
  /// The effective parameter; same shape as `raw`.
  virtual at::Tensor apply(const at::Tensor& raw) const = 0;
  /// Trainable state (LSQ scale, AdaRound variable): an optimizer group without weight decay. Default: none.
  virtual std::vector<at::Tensor> trainable() { return {}; }
  /// State tensors by short name and settings, enough for the factory to rebuild the link.
  virtual std::map<std::string, at::Tensor> state() const = 0;
  virtual Json settings() const { return Json::object(); }
  /// Follows a structure change of its parameter (`entry.cuts`), or throws ModelError naming itself.
  virtual void remap(const ParamRemap& entry) = 0;
  /// Last word of the chain at freeze: how the effective parameter is stored. Null: the chain's other links decide,
  /// dense F32 when none does. `effective` is the output of the whole chain, contiguous CPU float32.
  virtual std::unique_ptr<EncodedTensor> encode(const Tensor& effective) const { (void)effective; return nullptr; }
  virtual std::unique_ptr<Parametrization> clone() const = 0;
  /// Moves all state to a device; the state tensors keep their identity. Default: what `state` lists.
  virtual void to(at::Device device);
};

/// Sorted links of one parameter.
using Chain = std::vector<std::shared_ptr<Parametrization>>;

/// `raw` through all links.
at::Tensor apply(const Chain& chain, const at::Tensor& raw);
/// How the output of the chain is stored: the last link that says so, in the layout that a mask allows.
EncodedTensor encode(const Chain& chain, const Tensor& effective);

/// `encode` under the encoding's layout. Patterns give way to a bitmask where that takes fewer bytes: what is zero inside
/// of a kept kernel costs them a whole element (few bits, few kernels in all).
EncodedTensor smallest_layout(const Encoding& encoding, const std::function<EncodedTensor(const Encoding&)>& encode);

/// Rebuilds a link from its `state` and `settings`. Throws ModelError when these do not fit.
using ChainFactory = std::function<std::shared_ptr<Parametrization>(const std::map<std::string, at::Tensor>& state,
                                                                    const Json& settings)>;
/// Kind -> factory; a value that is passed, so that a program can add its own links.
using ChainFactories = std::map<std::string, ChainFactory>;
ChainFactories builtin_chains();

/// Element mask: 0/1, same shape as the parameter. Gradients pass to kept elements only.
class Mask final : public Parametrization {
 public:
  /// `encoding.layout` says how the zeros may be stored (dense, bitmask, n:m, block, pattern).
  explicit Mask(at::Tensor mask, Encoding encoding = {});
  std::string kind() const override { return "mask"; }
  Order order() const override { return Order::kMask; }
  at::Tensor apply(const at::Tensor& raw) const override;
  std::map<std::string, at::Tensor> state() const override;
  Json settings() const override;
  void remap(const ParamRemap& entry) override;
  std::unique_ptr<EncodedTensor> encode(const Tensor& effective) const override;
  std::unique_ptr<Parametrization> clone() const override;
  void to(at::Device device) override;
  const at::Tensor& mask() const { return mask_; }
  void set_mask(at::Tensor mask);

 private:
  at::Tensor mask_, dropped_;  // dropped_: the mask's complement as kBool
  Encoding encoding_;
};

/// Integer weights: q = quantize(w) with fixed or observed scales, straight-through gradient inside the range.
/// Uses core/base/quant_math.h arithmetic (true division, half to even). Signed integers whose zero points are all zero
/// have the symmetric range [-(2^(bits-1) - 1), 2^(bits-1) - 1].
class AffineQuant final : public Parametrization {
 public:
  /// `scale` kFloat and `zero_point` kInt: [cells of encoding.axis] (or [1] for axis -1).
  /// `full_range`: signed integers may be -2^(bits-1) whatever their zero points (models from elsewhere).
  AffineQuant(at::Tensor scale, at::Tensor zero_point, Encoding encoding, bool full_range = false);
  std::string kind() const override { return "affine"; }
  Order order() const override { return Order::kQuant; }
  at::Tensor apply(const at::Tensor& raw) const override;
  std::map<std::string, at::Tensor> state() const override;
  Json settings() const override;
  void remap(const ParamRemap& entry) override;
  std::unique_ptr<EncodedTensor> encode(const Tensor& effective) const override;
  std::unique_ptr<Parametrization> clone() const override;
  const at::Tensor& scale() const { return scale_; }
  const at::Tensor& zero_point() const { return zero_point_; }
  const Encoding& encoding() const { return encoding_; }
  QRange range() const;

 private:
  at::Tensor scale_, zero_point_;
  Encoding encoding_;
  bool full_range_ = false, symmetric_ = true;
};

}  // namespace pare
