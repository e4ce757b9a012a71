#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/tensor.h"

/// What torch.save writes, read without executing anything: dicts, lists, numbers, texts and tensors of named storages.
namespace pare::pickle {

struct Value;

/// One of the few names that a file may refer to, "module name".
struct Global {
  std::string_view name;
};
/// A block of `numel` elements, in the archive's entry data/<key>.
struct Storage {
  DType dtype = DType::kF32;
  std::string_view key;
  int64_t numel = 0;
};
/// A tensor as a view on a storage; offset and strides in elements. Not checked against the storage.
struct View {
  Storage storage;
  int64_t offset = 0;
  std::vector<int64_t> sizes, strides;
};
/// Lists and tuples.
struct Sequence {
  std::vector<const Value*> items;
};
/// In the order of insertion; keys may repeat, the last one counts.
struct Dict {
  std::vector<std::pair<const Value*, const Value*>> items;
};
struct None {};

struct Value {
  std::variant<None, bool, int64_t, double, std::string_view, Global, Storage, View, Sequence, Dict> of;
  template <class T>
  const T* as() const {
    return std::get_if<T>(&of);
  }
};

/// The object of a pickle with everything it refers to. Texts are lent from the pickle's bytes. Objects may contain
/// each other in circles.
struct Document {
  std::deque<Value> pool;
  const Value* root = nullptr;
};

/// Runs the pickle machine (protocol 2) restricted to what torch.save writes for containers of tensors. Throws
/// ModelError naming `where`: damaged bytes, other operations, and any class or function beyond tensors, storages,
/// OrderedDict and TorchScript's type tags.
Document parse(std::span<const std::byte> bytes, const std::string& where);

}  // namespace pare::pickle
