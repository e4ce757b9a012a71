#include "pruning/criteria/power_sums.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

namespace pare {
namespace {

constexpr int64_t kLanes = 16;    // partial sums of a row, so that the loop is free of dependences
constexpr int64_t kRows = 32;     // fp32 sums of columns run over so many rows
constexpr int64_t kPiece = 4096;  // columns at a time: their sums stay in the cache

template <int kPower>
float power(float x) {
  return kPower == 1 ? std::abs(x) : x * x;
}

// Adds the powers of `row` [size] to `columns` and returns their sum.
template <int kPower>
double add_piece(const float* row, float* columns, int64_t size) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes)
    for (int64_t l = 0; l < kLanes; ++l) {
      const float value = power<kPower>(row[i + l]);
      lanes[l] += value;
      columns[i + l] += value;
    }
  for (; i < size; ++i) {
    const float value = power<kPower>(row[i]);
    lanes[0] += value;
    columns[i] += value;
  }
  return std::accumulate(lanes, lanes + kLanes, 0.0);
}

// Sums of the rows and of the columns of a matrix.
template <int kPower>
void sum_matrix(const float* data, int64_t rows, int64_t columns, double* row_sums, double* column_sums) {
  std::vector<float> piece(static_cast<size_t>(std::min(columns, kPiece)));
  for (int64_t first = 0; first < columns; first += kPiece) {
    const int64_t size = std::min(kPiece, columns - first);
    for (int64_t block = 0; block < rows; block += kRows) {
      std::fill(piece.begin(), piece.end(), 0.0f);
      for (int64_t r = block; r < std::min(rows, block + kRows); ++r)
        row_sums[r] += add_piece<kPower>(data + r * columns + first, piece.data(), size);
      for (int64_t c = 0; c < size; ++c) column_sums[first + c] += static_cast<double>(piece[static_cast<size_t>(c)]);
    }
  }
}

// Sums over all dims but one; `values` is dense and has `sizes` without its first dim.
std::vector<double> fold(const std::vector<double>& values, at::IntArrayRef sizes, int64_t dim) {
  int64_t inner = 1;
  for (size_t d = static_cast<size_t>(dim) + 1; d < sizes.size(); ++d) inner *= sizes[d];
  const int64_t extent = sizes[static_cast<size_t>(dim)];
  std::vector<double> out(static_cast<size_t>(extent), 0.0);
  for (size_t i = 0; i < values.size(); ++i)
    out[static_cast<size_t>(static_cast<int64_t>(i) / inner % extent)] += values[i];
  return out;
}

template <int kPower>
void sum_dense(PowerSums& job) {
  const at::Tensor& x = job.values;
  const int64_t rows = x.size(0), columns = rows ? x.numel() / rows : 0;
  std::vector<double> row_sums(static_cast<size_t>(rows), 0.0), column_sums(static_cast<size_t>(columns), 0.0);
  sum_matrix<kPower>(x.const_data_ptr<float>(), rows, columns, row_sums.data(), column_sums.data());
  for (int64_t dim : job.dims) job.sums.push_back(dim == 0 ? row_sums : fold(column_sums, x.sizes(), dim));
}

void sum_any(PowerSums& job, int64_t p) {
  const at::Tensor powers = p == 1 ? job.values.abs() : job.values.square();
  for (int64_t dim : job.dims) {
    std::vector<int64_t> others;
    for (int64_t d = 0; d < powers.dim(); ++d)
      if (d != dim) others.push_back(d);
    const at::Tensor sums = (others.empty() ? powers : powers.sum(others)).to(at::kDouble).cpu().contiguous();
    job.sums.emplace_back(sums.const_data_ptr<double>(), sums.const_data_ptr<double>() + sums.numel());
  }
}

}  // namespace

void power_sums(std::vector<PowerSums>& jobs, int64_t p) {
  at::NoGradGuard no_grad;
  std::vector<PowerSums*> dense;
  for (PowerSums& job : jobs) {
    job.sums.clear();
    if (job.values.is_cpu() && job.values.scalar_type() == at::kFloat && job.values.is_contiguous() && job.values.dim())
      dense.push_back(&job);
    else
      sum_any(job, p);
  }
  std::stable_sort(dense.begin(), dense.end(),
                   [](const PowerSums* a, const PowerSums* b) { return a->values.numel() > b->values.numel(); });
  std::atomic<size_t> next = 0;
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t, int64_t) {
    for (size_t i = next++; i < dense.size(); i = next++) p == 1 ? sum_dense<1>(*dense[i]) : sum_dense<2>(*dense[i]);
  });
}

}  // namespace pare
