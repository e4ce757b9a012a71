#include "core/import/pickle.h"

#include <bit>
#include <unordered_map>

namespace pare::pickle {
namespace {

constexpr std::string_view kTensor = "torch._utils _rebuild_tensor_v2", kParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kOrderedDict = "collections OrderedDict", kTypeTag = "torch.jit._pickle restore_type_tag";
constexpr size_t kMaxRank = 16;

struct StorageName {
  std::string_view name;
  DType dtype;
};
constexpr StorageName kStorages[] = {
    {"torch FloatStorage", DType::kF32}, {"torch DoubleStorage", DType::kF64}, {"torch HalfStorage", DType::kF16},
    {"torch BFloat16Storage", DType::kBF16}, {"torch LongStorage", DType::kI64}, {"torch IntStorage", DType::kI32},
    {"torch ShortStorage", DType::kI16}, {"torch CharStorage", DType::kI8}, {"torch ByteStorage", DType::kU8},
    {"torch BoolStorage", DType::kBool}};

const StorageName* find_storage(std::string_view name) {
  for (const auto& row : kStorages)
    if (row.name == name) return &row;
  return nullptr;
}

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::string& where)
      : text_(reinterpret_cast<const char*>(bytes.data()), bytes.size()), where_(where) {}

  Document run() {
    while (!out_.root) step(static_cast<uint8_t>(take(1)[0]));
    return std::move(out_);
  }

 private:
  void step(uint8_t op);
  bool step_value(uint8_t op);
  bool step_container(uint8_t op);
  void reduce();
  Value rebuild_tensor(const std::vector<const Value*>& args);
  Value persistent();

  template <class... Args>
  [[noreturn]] void fail(std::string_view text, const Args&... args) const {
    throw ModelError(fmt("[pickle {}] {} (byte {})", where_, fmt(text, args...), at_));
  }
  std::string_view take(uint64_t length) {
    const size_t left = text_.size() - at_;
    if (length > left) fail("expected {} bytes, got {}. Is the file complete?", length, left);
    at_ += length;
    return text_.substr(at_ - length, length);
  }
  uint64_t number(size_t width) {
    uint64_t value = 0;
    const std::string_view bytes = take(width);
    for (size_t i = 0; i < width; ++i) value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    return value;
  }
  int64_t signed_number(size_t width) {
    if (width == 0) return 0;
    if (width > 8) fail("expected integers of at most 8 bytes, got {}", width);
    const int unused = 64 - 8 * static_cast<int>(width);
    return static_cast<int64_t>(number(width) << unused) >> unused;
  }
  std::string_view line() {
    const size_t end = text_.find('\n', at_);
    if (end == std::string_view::npos) fail("expected a line");
    const std::string_view out = take(end - at_);
    take(1);
    return out;
  }

  void push(Value value) {
    out_.pool.push_back(std::move(value));
    stack_.push_back(&out_.pool.back());
  }
  // Nothing below the last mark may be taken.
  Value* pop() {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("expected a value on the stack");
    Value* out = stack_.back();
    stack_.pop_back();
    return out;
  }
  Value* top() {
    Value* out = pop();
    stack_.push_back(out);
    return out;
  }
  std::vector<const Value*> pop_to_mark() {
    if (marks_.empty()) fail("expected a mark on the stack");
    std::vector<const Value*> out(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return out;
  }
  void push_tuple(size_t count) {
    Sequence out{std::vector<const Value*>(count)};
    while (count-- > 0) out.items[count] = pop();
    push({std::move(out)});
  }
  template <class T> T& top_as(const char* what) {
    T* out = std::get_if<T>(&top()->of);
    if (!out) fail("expected a {}", what);
    return *out;
  }
  template <class T> const T& value_as(const Value* value, const char* what) const {
    const T* out = value->as<T>();
    if (!out) fail("expected {}", what);
    return *out;
  }
  std::vector<int64_t> integers(const Value* value) const {
    std::vector<int64_t> out;
    const auto& items = value_as<Sequence>(value, "a tuple of dims").items;
    if (items.size() > kMaxRank) fail("expected at most {} dims, got {}", kMaxRank, items.size());
    for (const Value* item : items) out.push_back(value_as<int64_t>(item, "an integer"));
    return out;
  }
  void remember(uint32_t key) { memo_[key] = top(); }
  void recall(uint32_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) fail("expected a remembered object {}", key);
    stack_.push_back(found->second);
  }

  std::string_view text_;
  const std::string& where_;
  size_t at_ = 0;
  Document out_;
  std::vector<Value*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, Value*> memo_;
};

// Numbers, texts and names.
bool Machine::step_value(uint8_t op) {
  switch (op) {
    case 'N': push({None{}}); return true;
    case 0x88: push({true}); return true;
    case 0x89: push({false}); return true;
    case 'K': push({static_cast<int64_t>(number(1))}); return true;
    case 'M': push({static_cast<int64_t>(number(2))}); return true;
    case 'J': push({signed_number(4)}); return true;
    case 0x8a: push({signed_number(number(1))}); return true;
    case 'G': push({std::bit_cast<double>(__builtin_bswap64(number(8)))}); return true;
    case 'X': push({take(number(4))}); return true;
    case 'c': {
      const size_t start = at_;
      const std::string_view module = line(), name = line();
      const std::string full = std::string(module) + " " + std::string(name);
      for (std::string_view known : {kTensor, kParameter, kOrderedDict, kTypeTag})
        if (full == known) return push({Global{known}}), true;
      if (const StorageName* storage = find_storage(full)) return push({Global{storage->name}}), true;
      at_ = start;
      fail("expected tensors and containers only, got {}.{}. Save a state dict: torch.save(model.state_dict(), path)",
           module, name);
    }
    default: return false;
  }
}

bool Machine::step_container(uint8_t op) {
  switch (op) {
    case '}': push({Dict{}}); return true;
    case ']':
    case ')': push({Sequence{}}); return true;
    case '(': marks_.push_back(stack_.size()); return true;
    case 't': push({Sequence{pop_to_mark()}}); return true;
    case 0x85: push_tuple(1); return true;
    case 0x86: push_tuple(2); return true;
    case 0x87: push_tuple(3); return true;
    case 'a': {
      const Value* item = pop();
      top_as<Sequence>("list").items.push_back(item);
      return true;
    }
    case 'e': {
      const auto items = pop_to_mark();
      auto& list = top_as<Sequence>("list").items;
      list.insert(list.end(), items.begin(), items.end());
      return true;
    }
    case 's': {
      const Value* item = pop();
      const Value* key = pop();
      top_as<Dict>("dict").items.emplace_back(key, item);
      return true;
    }
    case 'u': {
      const auto items = pop_to_mark();
      if (items.size() % 2 != 0) fail("expected pairs of key and value");
      auto& dict = top_as<Dict>("dict").items;
      for (size_t i = 0; i < items.size(); i += 2) dict.emplace_back(items[i], items[i + 1]);
      return true;
    }
    case 'b':  // attributes of an OrderedDict, where PyTorch keeps the versions of modules
      pop();
      top_as<Dict>("dict");
      return true;
    default: return false;
  }
}

void Machine::step(uint8_t op) {
  if (step_value(op) || step_container(op)) return;
  switch (op) {
    case 0x80: {
      const uint64_t protocol = number(1);
      if (protocol != 2) fail("expected pickle protocol 2, torch.save's default, got {}", protocol);
      return;
    }
    case 'q': return remember(static_cast<uint32_t>(number(1)));
    case 'r': return remember(static_cast<uint32_t>(number(4)));
    case 'h': return recall(static_cast<uint32_t>(number(1)));
    case 'j': return recall(static_cast<uint32_t>(number(4)));
    case 'R': return reduce();
    case 'Q': return push(persistent());
    case '.': out_.root = pop(); return;
    default: fail("expected what torch.save writes for tensors and containers, got operation {}", static_cast<int>(op));
  }
}

void Machine::reduce() {
  const std::vector<const Value*>& args = value_as<Sequence>(pop(), "a tuple of arguments").items;
  const std::string_view name = value_as<Global>(pop(), "a function").name;
  if (name == kTensor) return push(rebuild_tensor(args));
  if (name == kParameter) {
    if (args.size() != 3) fail("expected 3 arguments of a parameter, got {}", args.size());
    return push({value_as<View>(args[0], "a tensor")});
  }
  if (name == kTypeTag && args.size() == 2) return push(*args[0]);  // (object, its type in TorchScript)
  if (name != kOrderedDict || !args.empty()) fail("expected no call of {} with {} arguments", name, args.size());
  push({Dict{}});
}

// (storage, offset, sizes, strides, requires_grad, backward hooks, metadata?)
Value Machine::rebuild_tensor(const std::vector<const Value*>& args) {
  if (args.size() != 6 && args.size() != 7) fail("expected 6 or 7 arguments of a tensor, got {}", args.size());
  View out{value_as<Storage>(args[0], "a storage"), value_as<int64_t>(args[1], "an offset"), integers(args[2]),
           integers(args[3])};
  if (out.sizes.size() != out.strides.size()) fail("expected a stride for each dim");
  return {std::move(out)};
}

// ("storage", storage class, key, device, number of elements)
Value Machine::persistent() {
  const std::vector<const Value*>& id = value_as<Sequence>(pop(), "a persistent id").items;
  if (id.size() != 5 || value_as<std::string_view>(id[0], "a text") != "storage") fail("expected the id of a storage");
  const StorageName* storage = find_storage(value_as<Global>(id[1], "a storage class").name);
  if (!storage) fail("expected a storage class");
  const auto numel = value_as<int64_t>(id[4], "a number of elements");
  return {Storage{storage->dtype, value_as<std::string_view>(id[2], "a key"), numel}};
}

}  // namespace

Document parse(std::span<const std::byte> bytes, const std::string& where) { return Machine(bytes, where).run(); }

}  // namespace pare::pickle
