#include "core/trace/recording.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <optional>

#include "core/base/error.h"
#include "core/import/aten_lower.h"
#include "core/model/freeze.h"
#include "core/trace/free_batch.h"

namespace pare {
namespace {

using Tensors = std::vector<at::Tensor>;

// Largest difference of the graph's outputs; throws when one is beyond the tolerance.
double compare(const TracedSource& source, const FrozenModel& frozen, const Tensors& inputs,
               const TraceOptions& options, const OpTable& ops, const TorchOps& torch_ops) {
  const at::NoGradGuard no_grad;
  const Tensors want = source.run(inputs);
  const Tensors got = thaw(frozen, ops, torch_ops).forward(inputs);
  PARE_CHECK(got.size() == want.size(), ModelError, "[{}] expected {} outputs, got {}", source.where, want.size(),
             got.size());
  double largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    PARE_CHECK(got[i].sizes() == want[i].sizes(), ModelError, "[{}] expected output {} of shape {}, got {}",
               source.where, i, want[i].sizes().vec(), got[i].sizes().vec());
    if (want[i].numel() == 0) continue;
    const at::Tensor a = got[i].to(at::kDouble), b = want[i].to(at::kDouble);
    const double difference = (a - b).abs().max().item<double>(), size = b.abs().max().item<double>();
    PARE_CHECK(difference <= options.tolerance * std::max(1.0, size), ModelError,
               "[{}] expected output {} as the source gives it, within {} of {}, got a difference of {}", source.where,
               i, options.tolerance, size, difference);
    largest = std::max(largest, difference);
  }
  return largest;
}

// The examples with their first row once more; nothing when they are no batch.
std::optional<Tensors> one_row_more(const Tensors& examples) {
  if (examples.empty() || examples[0].dim() == 0) return std::nullopt;
  const int64_t batch = examples[0].size(0);
  Tensors out;
  for (const at::Tensor& example : examples) {
    const bool rows = example.dim() > 0 && example.size(0) == batch;
    out.push_back(rows ? at::cat({example, example.narrow(0, 0, 1)}) : example.clone());
  }
  return out;
}

}  // namespace

Traced trace_source(const TracedSource& source, const Tensors& examples, const TraceOptions& options,
                    const OpTable& ops, const TorchOps& torch_ops) {
  const aten::Program fixed = source.record(examples).program;
  if (const auto more = one_row_more(examples)) {
    try {
      const aten::Program other = source.record(*more).program;
      if (const auto any = aten::free_batch(fixed, examples[0].size(0), other, (*more)[0].size(0))) {
        Traced out{aten::lower(*any, ops, source.where), 0, true};
        for (const Tensors& inputs : {examples, *more})
          out.largest_difference =
              std::max(out.largest_difference, compare(source, out.frozen, inputs, options, ops, torch_ops));
        return out;
      }
    } catch (const ModelError&) {
      // The batch is part of the model; with the examples' own it may still be a graph.
    }
  }
  Traced out{aten::lower(fixed, ops, source.where)};
  out.largest_difference = compare(source, out.frozen, examples, options, ops, torch_ops);
  return out;
}

}  // namespace pare
