#include "core/base/gather.h"

#include <cstring>
#include <map>

namespace pare {
namespace {

std::vector<int64_t> picked(const std::vector<int64_t>& old, std::span<const int64_t> indices) {
  const auto size = static_cast<int64_t>(old.size());
  std::vector<int64_t> out;
  out.reserve(indices.size());
  for (int64_t index : indices) {
    PARE_CHECK(index >= 0 && index < size, InternalError, "[take] expected an index in [0, {}), got {}", size, index);
    out.push_back(old[static_cast<size_t>(index)]);
  }
  return out;
}

// Cells of the size of an element: no call a cell.
template <class T>
std::byte* copy_elements(const std::byte* from, std::byte* to, const std::vector<int64_t>& indices) {
  for (int64_t index : indices) {
    std::memcpy(to, from + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
    to += sizeof(T);
  }
  return to;
}

// Neighbours that stay neighbours go in one piece.
std::byte* copy_runs(const std::byte* from, std::byte* to, const std::vector<int64_t>& indices, int64_t bytes) {
  for (size_t i = 0; i < indices.size();) {
    size_t end = i + 1;
    while (end < indices.size() && indices[end] == indices[end - 1] + 1) ++end;
    const auto size = static_cast<size_t>(bytes) * (end - i);
    std::memcpy(to, from + indices[i] * bytes, size);
    to += size;
    i = end;
  }
  return to;
}

}  // namespace

CellGather::CellGather(Shape shape, int64_t element_bytes, const std::vector<DimCut>& cuts) : shape_(std::move(shape)) {
  const auto rank = static_cast<int64_t>(shape_.size());
  std::map<int64_t, std::vector<int64_t>> kept;
  for (const DimCut& cut : cuts) {
    PARE_CHECK(cut.dim >= 0 && cut.dim < rank, InternalError, "[take] expected dim in [0, {}), got {}", rank, cut.dim);
    auto [it, fresh] = kept.try_emplace(cut.dim);
    if (fresh)
      for (int64_t i = 0; i < shape_[static_cast<size_t>(cut.dim)]; ++i) it->second.push_back(i);
    it->second = picked(it->second, cut.indices);
  }
  whole_ = numel_of(shape_) * element_bytes;
  int64_t outer = 1, inner = whole_;
  for (int64_t d = 0; d < rank; ++d) {
    int64_t& extent = shape_[static_cast<size_t>(d)];
    inner = extent ? inner / extent : 0;
    const auto cut = kept.find(d);
    if (cut == kept.end()) {
      outer *= extent;
      continue;
    }
    const auto left = static_cast<int64_t>(cut->second.size());
    levels_.push_back({outer, extent, inner, std::move(cut->second)});
    extent = left;
    outer = 1;
  }
}

void CellGather::run(const std::byte* from, std::byte* to) const {
  if (levels_.empty())
    std::memcpy(to, from, static_cast<size_t>(whole_));
  else
    copy(0, from, to);
}

std::byte* CellGather::copy(size_t level, const std::byte* from, std::byte* to) const {
  const Level& at = levels_[level];
  const bool last = level + 1 == levels_.size();
  for (int64_t o = 0; o < at.outer; ++o, from += at.extent * at.bytes) {
    if (!last)
      for (int64_t index : at.indices) to = copy(level + 1, from + index * at.bytes, to);
    else if (at.bytes == sizeof(uint32_t))
      to = copy_elements<uint32_t>(from, to, at.indices);
    else if (at.bytes == sizeof(uint64_t))
      to = copy_elements<uint64_t>(from, to, at.indices);
    else
      to = copy_runs(from, to, at.indices, at.bytes);
  }
  return to;
}

}  // namespace pare
