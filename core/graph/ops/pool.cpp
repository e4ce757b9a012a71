// MaxPool            x [N, C, d...] -> [N, C, e...]
// AveragePool        the same
//   kernel_shape (required), strides (1s), dilations (1s), pads (0s: begins, then ends), ceil_mode (0)
//   AveragePool: count_include_pad (0). auto_pad is resolved by importers.
// GlobalAveragePool  x [N, C, d...] -> [N, C, 1...]
#include "core/graph/ops/rules.h"

namespace pare {
namespace {

void infer_pool(InferContext& context) {
  const auto kernel = context.attrs().integers("kernel_shape");
  expect_rank(context, 0, kernel.size() + 2);
  const DimShape& x = context.shape(0);
  const Window window = read_window(context, kernel);
  const bool round_up = context.attrs().integer("ceil_mode", 0) != 0;
  DimShape out = {x[0], x[1]};
  for (size_t i = 0; i < window.dims(); ++i) out.push_back(window_extent(context, window, i, x[i + 2], round_up));
  context.set(0, std::move(out), context.dtype(0));
}

void infer_global(InferContext& context) {
  expect_min_rank(context, 0, 3);
  const DimShape& x = context.shape(0);
  DimShape out(x.size(), Dim(1));
  out[0] = x[0];
  out[1] = x[1];
  context.set(0, std::move(out), context.dtype(0));
}

}  // namespace

void add_pool_ops(OpTable& ops) {
  std::vector<AttrSpec> attrs = {{"kernel_shape", AttrType::kInts, true},
                                 {"strides", AttrType::kInts},
                                 {"dilations", AttrType::kInts},
                                 {"pads", AttrType::kInts},
                                 {"ceil_mode", AttrType::kInt}};
  ops.add({.name = "MaxPool", .attrs = attrs, .infer = infer_pool});
  attrs.push_back({"count_include_pad", AttrType::kInt});
  ops.add({.name = "AveragePool", .attrs = attrs, .infer = infer_pool});
  ops.add({.name = "GlobalAveragePool", .infer = infer_global});
}

}  // namespace pare
