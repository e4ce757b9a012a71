#include "core/import/state_dict.h"

#include <algorithm>
#include <cstring>

namespace pare {
namespace {

// Copies of one storage under many views may take this many times the archive's size: bounds what a small file can ask
// for.
constexpr uint64_t kMaxCopies = 8;
constexpr int kMaxNesting = 8;
constexpr std::string_view kParallelPrefix = "module.";

// Last element of the view, or -1 when it has none. Throws unless sizes and strides are numbers >= 0 that do not
// overflow.
int64_t last_element(const pickle::View& view, const std::string& name, const std::string& where) {
  int64_t last = view.offset;
  bool good = view.offset >= 0;
  for (size_t i = 0; i < view.sizes.size(); ++i) {
    int64_t reach = 0;
    good = good && view.sizes[i] >= 0 && view.strides[i] >= 0 &&
           !__builtin_mul_overflow(std::max<int64_t>(view.sizes[i] - 1, 0), view.strides[i], &reach) &&
           !__builtin_add_overflow(last, reach, &last);
  }
  PARE_CHECK(good, ModelError, "[{}] expected sizes, strides and an offset >= 0 for \"{}\", got {}, {} and {}", where,
             name, view.sizes, view.strides, view.offset);
  return numel_of(view.sizes) == 0 ? -1 : last;
}

bool is_contiguous(const pickle::View& view) {
  int64_t expected = 1;
  for (size_t i = view.sizes.size(); i-- > 0; expected *= view.sizes[i])
    if (view.sizes[i] != 1 && view.strides[i] != expected) return false;
  return true;
}

void copy_strided(const std::byte* from, const pickle::View& view, size_t width, std::byte* to) {
  const size_t rank = view.sizes.size();
  std::vector<int64_t> at(rank);
  int64_t element = 0;
  for (int64_t n = numel_of(view.sizes); n-- > 0; to += width) {
    std::memcpy(to, from + static_cast<size_t>(element) * width, width);
    for (size_t i = rank; i-- > 0;) {
      element += view.strides[i];
      if (++at[i] < view.sizes[i]) break;
      element -= view.strides[i] * view.sizes[i];
      at[i] = 0;
    }
  }
}

// The dict of tensors inside a training checkpoint.
const pickle::Dict& unwrap(const pickle::Value* value, const std::string& where) {
  const auto* dict = value->as<pickle::Dict>();
  PARE_CHECK(dict, ModelError, "[pth {}] expected a dict of tensors. Save one: torch.save(model.state_dict(), path)",
             where);
  for (int depth = 0; depth < kMaxNesting; ++depth) {
    const pickle::Dict* inner = nullptr;
    for (const char* wanted : {"state_dict", "model_state_dict", "model"}) {
      for (const auto& [key, item] : dict->items) {
        const auto* name = key->as<std::string_view>();
        if (!inner && name && *name == wanted) inner = item->as<pickle::Dict>();
      }
    }
    if (!inner) return *dict;
    dict = inner;
  }
  throw ModelError(fmt("[pth {}] expected a dict of tensors, got dicts nested more than {} deep", where, kMaxNesting));
}

std::map<std::string, Tensor> without_prefix(std::map<std::string, Tensor> tensors) {
  const bool all = std::all_of(tensors.begin(), tensors.end(),
                               [](const auto& item) { return item.first.starts_with(kParallelPrefix); });
  if (!all) return tensors;
  std::map<std::string, Tensor> out;
  for (auto& [name, tensor] : tensors) out.emplace(name.substr(kParallelPrefix.size()), std::move(tensor));
  return out;
}

}  // namespace

StorageReader::StorageReader(const ZipEntries& entries, std::string prefix, std::shared_ptr<const void> owner,
                             std::string where)
    : entries_(entries), prefix_(std::move(prefix)), owner_(std::move(owner)), where_(std::move(where)) {
  for (const auto& [name, bytes] : entries_) budget_ += kMaxCopies * bytes.size();
}

Tensor StorageReader::read(const std::string& name, const pickle::View& view) {
  const auto found = entries_.find(prefix_ + std::string(view.storage.key));
  PARE_CHECK(found != entries_.end(), ModelError, "[{}] expected the data of \"{}\" in \"{}{}\"", where_, name, prefix_,
             view.storage.key);
  const auto width = static_cast<size_t>(size_of(view.storage.dtype));
  const auto data = found->second;
  PARE_CHECK(view.storage.numel >= 0 && data.size() % width == 0 &&
                 data.size() / width == static_cast<size_t>(view.storage.numel),
             ModelError, "[{}] expected {} elements of {} for \"{}\", got {} bytes", where_, view.storage.numel,
             view.storage.dtype, name, data.size());
  const int64_t last = last_element(view, name, where_), count = numel_of(view.sizes);
  PARE_CHECK(last < view.storage.numel && count <= view.storage.numel, ModelError,
             "[{}] expected \"{}\" inside its storage of {} elements, got sizes {} and strides {} from {} on", where_,
             name, view.storage.numel, view.sizes, view.strides, view.offset);
  if (view.storage.dtype == DType::kBool) {
    for (std::byte value : data)
      PARE_CHECK(value <= std::byte{1}, ModelError, "[{}] expected 0 or 1 in the booleans of \"{}\"", where_, name);
  }
  if (count == 0) return Tensor(view.storage.dtype, view.sizes);
  const std::byte* start = data.data() + static_cast<size_t>(view.offset) * width;
  if (is_contiguous(view) && reinterpret_cast<uintptr_t>(start) % width == 0)
    return Tensor(view.storage.dtype, view.sizes, owner_, start);
  const uint64_t bytes = static_cast<uint64_t>(count) * width;
  PARE_CHECK(bytes <= budget_, ModelError,
             "[{}] expected tensors that fit their storages, got too many copies (\"{}\")", where_, name);
  budget_ -= bytes;
  Tensor out(view.storage.dtype, view.sizes);
  copy_strided(start, view, width, out.mutable_bytes());
  return out;
}

std::map<std::string, Tensor> parse_state_dict(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                               const std::string& where) {
  const ZipEntries entries = read_zip(bytes, where);
  const std::string root = archive_root(entries, "data.pkl", where);
  PARE_CHECK(!entries.count(root + "/constants.pkl"), ModelError,
             "[pth {}] expected a state dict, got a TorchScript file. Save one: torch.save(model.state_dict(), path)",
             where);
  const auto order = entries.find(root + "/byteorder");
  PARE_CHECK(order == entries.end() || entry_text(entries, order->first, where) == "little", ModelError,
             "[pth {}] expected little-endian data", where);
  const pickle::Document document = pickle::parse(entries.at(root + "/data.pkl"), where);
  StorageReader storages(entries, root + "/data/", std::move(owner), "pth " + where);
  std::map<std::string, Tensor> out;
  for (const auto& [key, value] : unwrap(document.root, where).items) {
    const auto* name = key->as<std::string_view>();
    PARE_CHECK(name, ModelError, "[pth {}] expected texts as names of tensors", where);
    const auto* view = value->as<pickle::View>();
    PARE_CHECK(view, ModelError,
               "[pth {}] expected a tensor as \"{}\". Save the state dict alone: torch.save(model.state_dict(), path)",
               where, *name);
    out.insert_or_assign(std::string(*name), storages.read(std::string(*name), *view));
  }
  PARE_CHECK(!out.empty(), ModelError, "[pth {}] expected tensors, got an empty dict", where);
  return without_prefix(std::move(out));
}

}  // namespace pare
