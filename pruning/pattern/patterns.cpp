#include "pruning/pattern/patterns.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "core/base/error.h"

namespace pare {
namespace {

constexpr int kElements = 9, kCentre = 4, kKept = 4;

int64_t groups_of(int64_t size, int64_t group) { return (size + group - 1) / group; }

// [groups, candidates]: the energy that each candidate keeps of each group.
at::Tensor candidate_scores(const at::Tensor& weight, const PatternGroup& group) {
  return at::matmul(group_energy(weight, group).flatten(0, 1), pattern_rows(candidate_patterns()).t());
}

// Adds to `counts` how often each candidate has the highest score.
void count_best(const at::Tensor& scores, std::vector<int64_t>& counts) {
  const at::Tensor found = at::bincount(scores.argmax(1), {}, static_cast<int64_t>(counts.size()));
  for (size_t k = 0; k < counts.size(); ++k) counts[k] += found.const_data_ptr<int64_t>()[k];
}

void check_count(int64_t count) {
  const auto most = static_cast<int64_t>(candidate_patterns().size());
  PARE_CHECK(count >= 1 && count <= most, ConfigError, "[prune.pattern] expected 1 to {} patterns, got {}", most, count);
}

}  // namespace

const std::vector<int64_t>& candidate_patterns() {
  static const std::vector<int64_t> kAll = [] {
    std::vector<int64_t> out;
    for (int64_t bits = 0; bits < 1 << kElements; ++bits)
      if ((bits >> kCentre & 1) && std::popcount(static_cast<uint64_t>(bits)) == kKept) out.push_back(bits);
    return out;
  }();
  return kAll;
}

std::vector<int64_t> pconv_patterns() {
  constexpr int64_t kCross = 0b010'111'010;
  std::vector<int64_t> out;
  for (int arm : {1, 3, 5, 7}) out.push_back(kCross & ~(int64_t{1} << arm));
  return out;
}

at::Tensor pattern_rows(const std::vector<int64_t>& patterns) {
  at::Tensor out = at::zeros({static_cast<int64_t>(patterns.size()), kElements}, at::kDouble);
  double* to = out.mutable_data_ptr<double>();
  for (int64_t pattern : patterns)
    for (int i = 0; i < kElements; ++i) *to++ = static_cast<double>(pattern >> i & 1);
  return out;
}

at::Tensor group_energy(const at::Tensor& weight, const PatternGroup& group) {
  const int64_t rows = groups_of(weight.size(0), group.filters), columns = groups_of(weight.size(1), group.channels);
  at::Tensor energy = weight.detach().to(at::kDouble).square().flatten(2);
  energy = at::constant_pad_nd(energy, {0, 0, 0, columns * group.channels - weight.size(1), 0,
                                        rows * group.filters - weight.size(0)});
  return energy.reshape({rows, group.filters, columns, group.channels, -1}).sum({1, 3});
}

at::Tensor spread_groups(const at::Tensor& values, const PatternGroup& group, at::IntArrayRef shape) {
  const at::Tensor kernels = values.repeat_interleave(group.filters, 0).repeat_interleave(group.channels, 1);
  return kernels.narrow(0, 0, shape[0]).narrow(1, 0, shape[1]).expand({shape[0], shape[1], shape[2] * shape[3]}).reshape(shape);
}

std::vector<int64_t> natural_counts(const std::vector<at::Tensor>& weights, const PatternGroup& group) {
  std::vector<int64_t> counts(candidate_patterns().size());
  for (const at::Tensor& weight : weights) count_best(candidate_scores(weight, group), counts);
  return counts;
}

std::vector<int64_t> frequent_patterns(const std::vector<at::Tensor>& weights, const PatternGroup& group, int64_t count) {
  check_count(count);
  const std::vector<int64_t> counts = natural_counts(weights, group);
  std::vector<size_t> order(counts.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return counts[a] > counts[b]; });
  std::vector<int64_t> out;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) out.push_back(candidate_patterns()[order[i]]);
  return out;
}

std::vector<int64_t> surviving_patterns(const std::vector<at::Tensor>& weights, const PatternGroup& group, int64_t count) {
  check_count(count);
  std::vector<at::Tensor> scores;
  for (const at::Tensor& weight : weights) scores.push_back(candidate_scores(weight, group));
  std::vector<int64_t> counts(candidate_patterns().size());
  std::vector<bool> dropped(counts.size());
  for (auto left = static_cast<int64_t>(counts.size()); left > count; --left) {
    std::fill(counts.begin(), counts.end(), 0);
    for (const at::Tensor& s : scores) count_best(s, counts);
    size_t rarest = counts.size();
    for (size_t k = 0; k < counts.size(); ++k)
      if (!dropped[k] && (rarest == counts.size() || counts[k] < counts[rarest])) rarest = k;
    dropped[rarest] = true;
    for (at::Tensor& s : scores) s.select(1, static_cast<int64_t>(rarest)).fill_(-1.0);
  }
  std::vector<int64_t> out;
  for (size_t k = 0; k < dropped.size(); ++k)
    if (!dropped[k]) out.push_back(candidate_patterns()[k]);
  return out;
}

}  // namespace pare
