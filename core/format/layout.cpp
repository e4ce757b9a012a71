#include "core/format/layout.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/format/bits.h"

namespace pare {
namespace {

constexpr int64_t kMaxGroup = 256;     // n:m groups: positions fit one byte
constexpr int64_t kMaxBlock = 1 << 24;  // elements of one block: bounds what one mask bit can expand to
constexpr int64_t kMaxWindow = 32;      // elements that a pattern chooses from: they fit a number
constexpr size_t kMaxPatterns = 256;

// The groups of m elements along the sparse axis, as (outer, inner) loops over a row-major tensor.
struct Groups {
  int64_t outer = 1, extent = 1, inner = 1, m = 1;
  int index_bits = 1;

  explicit Groups(const EncodedTensor& e) {
    const auto& [n, size, axis] = std::tuple(e.encoding.n, e.encoding.m, e.encoding.sparse_axis);
    const auto rank = static_cast<int64_t>(e.shape.size());
    PARE_CHECK(axis >= 0 && axis < rank && n >= 1 && n <= size && size >= 2 && size <= kMaxGroup, ModelError,
               "[encoding] expected an n:m layout with 1 <= n <= m <= {} along a dim of {}, got {}:{} along {}", kMaxGroup,
               e.shape, n, size, axis);
    m = size;
    extent = e.shape[static_cast<size_t>(axis)];
    PARE_CHECK(extent % m == 0, ModelError, "[encoding] expected dim {} of {} to be a multiple of {} for an n:m layout", axis,
               e.shape, m);
    for (int64_t i = 0; i < axis; ++i) outer *= e.shape[static_cast<size_t>(i)];
    for (int64_t i = axis + 1; i < rank; ++i) inner *= e.shape[static_cast<size_t>(i)];
    index_bits = std::bit_width(static_cast<uint64_t>(m - 1));
  }
  int64_t count() const { return outer * (extent / m) * inner; }
  // First flat element of a group; its others follow `inner` apart.
  int64_t start(int64_t group) const {
    const int64_t per_outer = extent / m * inner;
    return group / per_outer * extent * inner + group % per_outer / inner * m * inner + group % inner;
  }
};

Positions write_groups(EncodedTensor& out, const std::function<bool(int64_t)>& is_zero) {
  const Groups groups(out);
  std::vector<int64_t> list;
  std::vector<int32_t> index;
  for (int64_t g = 0; g < groups.count(); ++g) {
    std::vector<bool> stored(static_cast<size_t>(groups.m));
    int64_t used = 0;
    for (int64_t k = 0; k < groups.m; ++k) {
      stored[static_cast<size_t>(k)] = !is_zero(groups.start(g) + k * groups.inner);
      used += stored[static_cast<size_t>(k)];
    }
    PARE_CHECK(used <= out.encoding.n, ModelError, "[encoding] expected at most {} nonzeros in each {} elements, got {}",
               out.encoding.n, groups.m, used);
    for (size_t k = 0; used < out.encoding.n; ++k) {  // every group stores exactly n
      if (stored[k]) continue;
      stored[k] = true;
      ++used;
    }
    for (int64_t k = 0; k < groups.m; ++k) {
      if (!stored[static_cast<size_t>(k)]) continue;
      list.push_back(groups.start(g) + k * groups.inner);
      index.push_back(static_cast<int32_t>(k));
    }
  }
  out.parts["index"] = pack_bits(index, groups.index_bits);
  return Positions::listed(std::move(list));
}

Positions read_groups(const EncodedTensor& e) {
  const Groups groups(e);
  const int64_t count = groups.count() * e.encoding.n;
  const auto* index = part_of(e, "index", DType::kU8, packed_bytes(count, groups.index_bits)).data<uint8_t>();
  std::vector<int64_t> list;
  list.reserve(static_cast<size_t>(count));
  for (int64_t g = 0; g < groups.count(); ++g) {
    int64_t previous = -1;
    for (int64_t j = 0; j < e.encoding.n; ++j) {
      const int64_t k = get_bits(index, g * e.encoding.n + j, groups.index_bits);
      PARE_CHECK(k > previous && k < groups.m, ModelError, "[encoding] expected ascending positions below {}, got {}",
                 groups.m, k);
      list.push_back(groups.start(g) + k * groups.inner);
      previous = k;
    }
  }
  return Positions::listed(std::move(list));
}

// Calls visit(block, flat element) for all elements, block by block; blocks cover whole trailing dims.
struct Blocks {
  Shape sizes, counts;
  int64_t count = 1, trailing = 1;
  const Shape& shape;

  explicit Blocks(const EncodedTensor& e) : sizes(e.encoding.block), shape(e.shape) {
    PARE_CHECK(!sizes.empty() && sizes.size() <= shape.size(), ModelError,
               "[encoding] expected block sizes for 1 to {} dims, got {}", shape.size(), sizes);
    int64_t volume = 1;
    const auto grow = [&](int64_t size) {
      PARE_CHECK(size >= 0 && size <= kMaxBlock && (volume *= size) <= kMaxBlock, ModelError,
                 "[encoding] expected blocks of at most {} elements, got {} of {}", kMaxBlock, sizes, shape);
    };
    for (size_t i = sizes.size(); i < shape.size(); ++i) grow(shape[i]);
    trailing = volume;
    volume = 1;
    for (size_t i = 0; i < sizes.size(); ++i) {
      PARE_CHECK(sizes[i] >= 1, ModelError, "[encoding] expected positive block sizes, got {}", sizes);
      grow(std::min(sizes[i], std::max<int64_t>(shape[i], 1)));
      counts.push_back((shape[i] - 1) / sizes[i] + 1);
      if (shape[i] == 0) counts.back() = 0;
      count *= counts.back();
    }
    grow(trailing);
  }
  template <class F>
  void visit(int64_t block, F&& f) const {
    Shape origin(sizes.size());
    for (size_t i = sizes.size(); i-- > 0; block /= counts[i]) origin[i] = block % counts[i] * sizes[i];
    walk(0, 0, origin, f);
  }

 private:
  template <class F>
  void walk(size_t dim, int64_t flat, const Shape& origin, F& f) const {
    if (dim == sizes.size()) {
      for (int64_t i = 0; i < trailing; ++i) f(flat * trailing + i);
      return;
    }
    const int64_t end = std::min(shape[dim], origin[dim] + sizes[dim]);
    for (int64_t i = origin[dim]; i < end; ++i) walk(dim + 1, flat * shape[dim] + i, origin, f);
  }
};

Positions write_blocks(EncodedTensor& out, const std::function<bool(int64_t)>& is_zero) {
  const Blocks blocks(out);
  std::vector<int64_t> list;
  std::vector<int32_t> mask(static_cast<size_t>(blocks.count));
  for (int64_t b = 0; b < blocks.count; ++b) {
    bool any = false;
    blocks.visit(b, [&](int64_t i) { any = any || !is_zero(i); });
    mask[static_cast<size_t>(b)] = any;
    if (any) blocks.visit(b, [&](int64_t i) { list.push_back(i); });
  }
  out.parts["mask"] = pack_bits(mask, 1);
  return Positions::listed(std::move(list));
}

Positions read_blocks(const EncodedTensor& e) {
  const Blocks blocks(e);
  const auto* mask = part_of(e, "mask", DType::kU8, packed_bytes(blocks.count, 1)).data<uint8_t>();
  std::vector<int64_t> list;
  for (int64_t b = 0; b < blocks.count; ++b)
    if (get_bit(mask, b)) blocks.visit(b, [&](int64_t i) { list.push_back(i); });
  return Positions::listed(std::move(list));
}

// Blocks of which each stores the elements of one pattern.
struct Patterns {
  Blocks blocks;
  const std::vector<int64_t>& masks;
  int index_bits = 1;
  using Choice = std::pair<int64_t, int64_t>;  // pattern, block

  explicit Patterns(const EncodedTensor& e) : blocks(e), masks(e.encoding.patterns) {
    PARE_CHECK(blocks.trailing >= 1 && blocks.trailing <= kMaxWindow && !masks.empty() && masks.size() <= kMaxPatterns,
               ModelError, "[encoding] expected 1 to {} patterns of at most {} elements, got {} of {}", kMaxPatterns,
               kMaxWindow, masks.size(), blocks.trailing);
    for (int64_t mask : masks)
      PARE_CHECK(mask >= 1 && mask < int64_t{1} << blocks.trailing, ModelError,
                 "[encoding] expected patterns of {} elements, got {}", blocks.trailing, mask);
    index_bits = std::max(1, static_cast<int>(std::bit_width(masks.size() - 1)));
  }
  int64_t rows() const { return blocks.counts[0]; }
  int64_t row_size() const { return rows() == 0 ? 0 : blocks.count / rows(); }
  // Number of the first pattern that keeps all elements with their bits in `used`.
  int64_t covering(int64_t used) const {
    for (size_t k = 0; k < masks.size(); ++k)
      if ((used & ~masks[k]) == 0) return static_cast<int64_t>(k);
    throw ModelError(fmt("[encoding] expected blocks that keep elements of one of {} patterns, got {} (constant of shape {})",
                         masks.size(), used, blocks.shape));
  }
  // The elements of a row's stored blocks in runs of equal patterns.
  void list(std::vector<Choice>& row, std::vector<int64_t>& out) const {
    std::sort(row.begin(), row.end());
    for (const auto& [pattern, block] : row)
      blocks.visit(block, [&, mask = masks[static_cast<size_t>(pattern)]](int64_t i) {
        if (mask >> (i % blocks.trailing) & 1) out.push_back(i);
      });
  }
};

Positions write_patterns(EncodedTensor& out, const std::function<bool(int64_t)>& is_zero) {
  const Patterns patterns(out);
  const Blocks& blocks = patterns.blocks;
  std::vector<int64_t> list;
  std::vector<int32_t> mask(static_cast<size_t>(blocks.count)), index;
  std::vector<Patterns::Choice> row;
  for (int64_t r = 0; r < patterns.rows(); ++r, row.clear()) {
    for (int64_t b = r * patterns.row_size(); b < (r + 1) * patterns.row_size(); ++b) {
      int64_t used = 0;
      blocks.visit(b, [&](int64_t i) { used |= int64_t{!is_zero(i)} << (i % blocks.trailing); });
      if (used == 0) continue;
      mask[static_cast<size_t>(b)] = 1;
      row.emplace_back(patterns.covering(used), b);
      index.push_back(static_cast<int32_t>(row.back().first));
    }
    patterns.list(row, list);
  }
  out.parts["mask"] = pack_bits(mask, 1);
  out.parts["index"] = pack_bits(index, patterns.index_bits);
  return Positions::listed(std::move(list));
}

Positions read_patterns(const EncodedTensor& e) {
  const Patterns patterns(e);
  const int64_t count = patterns.blocks.count;
  const auto* mask = part_of(e, "mask", DType::kU8, packed_bytes(count, 1)).data<uint8_t>();
  int64_t stored = 0;
  for (int64_t b = 0; b < count; ++b) stored += get_bit(mask, b);
  const auto* index = part_of(e, "index", DType::kU8, packed_bytes(stored, patterns.index_bits)).data<uint8_t>();
  std::vector<int64_t> list;
  std::vector<Patterns::Choice> row;
  for (int64_t r = 0, next = 0; r < patterns.rows(); ++r, row.clear()) {
    for (int64_t b = r * patterns.row_size(); b < (r + 1) * patterns.row_size(); ++b) {
      if (!get_bit(mask, b)) continue;
      const int64_t pattern = get_bits(index, next++, patterns.index_bits);
      PARE_CHECK(pattern < static_cast<int64_t>(patterns.masks.size()), ModelError,
                 "[encoding] expected pattern numbers below {}, got {}", patterns.masks.size(), pattern);
      row.emplace_back(pattern, b);
    }
    patterns.list(row, list);
  }
  return Positions::listed(std::move(list));
}

Positions write_bitmask(EncodedTensor& out, const std::function<bool(int64_t)>& is_zero) {
  const int64_t count = numel_of(out.shape);
  std::vector<int64_t> list;
  std::vector<int32_t> mask(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    if (is_zero(i)) continue;
    mask[static_cast<size_t>(i)] = 1;
    list.push_back(i);
  }
  out.parts["mask"] = pack_bits(mask, 1);
  return Positions::listed(std::move(list));
}

Positions read_bitmask(const EncodedTensor& e) {
  const int64_t count = numel_of(e.shape);
  const auto* mask = part_of(e, "mask", DType::kU8, packed_bytes(count, 1)).data<uint8_t>();
  std::vector<int64_t> list;
  for (int64_t i = 0; i < count; ++i)
    if (get_bit(mask, i)) list.push_back(i);
  return Positions::listed(std::move(list));
}

}  // namespace

const Tensor& part_of(const EncodedTensor& encoded, const std::string& name, DType dtype, int64_t count) {
  const auto found = encoded.parts.find(name);
  PARE_CHECK(found != encoded.parts.end(), ModelError, "[encoding] expected a part \"{}\" (constant of shape {})", name,
             encoded.shape);
  const Tensor& part = found->second;
  PARE_CHECK(part.dtype() == dtype && part.numel() == count, ModelError,
             "[encoding] expected {} elements of {} in part \"{}\", got {} of {} (constant of shape {})", count, dtype, name,
             part.numel(), part.dtype(), encoded.shape);
  return part;
}

Positions write_layout(EncodedTensor& out, const std::function<bool(int64_t)>& is_zero) {
  switch (out.encoding.layout) {
    case Layout::kDense: break;
    case Layout::kBitmask: return write_bitmask(out, is_zero);
    case Layout::kNofM: return write_groups(out, is_zero);
    case Layout::kBlock: return write_blocks(out, is_zero);
    case Layout::kPattern: return write_patterns(out, is_zero);
  }
  return Positions::dense(numel_of(out.shape));
}

Positions read_layout(const EncodedTensor& encoded) {
  switch (encoded.encoding.layout) {
    case Layout::kDense: break;
    case Layout::kBitmask: return read_bitmask(encoded);
    case Layout::kNofM: return read_groups(encoded);
    case Layout::kBlock: return read_blocks(encoded);
    case Layout::kPattern: return read_patterns(encoded);
  }
  return Positions::dense(numel_of(encoded.shape));
}

}  // namespace pare
