// Nodes without an operator behind them: values, containers, branches and loops.
#include "core/trace/recorder_impl.h"

#include <ATen/core/jit_type.h>

#include "core/base/error.h"

namespace pare {
namespace {

namespace prim = c10::prim;

constexpr int64_t kMaxSteps = 1 << 20;  // nodes run: loops that do not end are an error

}  // namespace

void Recorder::count_step() {
  PARE_CHECK(++steps_ <= kMaxSteps, ModelError, "[{}] expected at most {} steps. Does a loop end?", where_, kMaxSteps);
}

c10::IValue Recorder::container(const Node& node) const {
  IValues items;
  for (const Value* input : node.inputs()) items.push_back(value(input));
  if (node.kind() == prim::TupleConstruct) return c10::ivalue::Tuple::create(std::move(items));
  const c10::Type& type = *node.output()->type();
  if (node.kind() == prim::ListConstruct) {
    c10::impl::GenericList list(type.expectRef<c10::ListType>().getElementType());
    for (c10::IValue& item : items) list.push_back(std::move(item));
    return list;
  }
  const auto& types = type.expectRef<c10::DictType>();
  c10::impl::GenericDict dict(types.getKeyType(), types.getValueType());
  for (size_t i = 0; i + 1 < items.size(); i += 2) dict.insert_or_assign(items[i], items[i + 1]);
  return dict;
}

// False for nodes that are run by an operator.
bool Recorder::construct(const Node& node) {
  switch (node.kind()) {
    case prim::Constant: {
      // Functions are no values, and are not read once they are inlined.
      set(node.output(), torch::jit::toIValue(node.output()).value_or(c10::IValue()));
      return true;
    }
    case prim::ListConstruct:
    case prim::TupleConstruct:
    case prim::DictConstruct:
      set(node.output(), container(node));
      return true;
    case prim::ListUnpack:
    case prim::TupleUnpack: {
      const c10::IValue whole = value(node.input());
      const auto items = whole.isTuple() ? whole.toTupleRef().elements().vec() : whole.toListRef().vec();
      if (items.size() != node.outputs().size()) refuse(node, "gets another number of items than it wants");
      for (size_t i = 0; i < items.size(); ++i) set(node.outputs()[i], items[i]);
      return true;
    }
    case prim::GetAttr:
      set(node.output(), value(node.input()).toObjectRef().getAttr(node.s(c10::attr::name)));
      return true;
    case prim::unchecked_cast:
      set(node.output(), value(node.input()));
      return true;
    case prim::Uninitialized:
      set(node.output(), c10::IValue());
      return true;
    default:
      return false;
  }
}

void Recorder::branch(const Node& node) {
  const torch::jit::Block* block = node.blocks().at(value(node.input()).toBool() ? 0 : 1);
  run_block(*block);
  pass_on(block->outputs(), node.outputs());
}

// Inputs: most rounds, go on?, carried values. The body takes the round and them, and returns go on? and them.
void Recorder::loop(const Node& node) {
  const torch::jit::Block& body = *node.blocks().at(0);
  const int64_t most = value(node.inputs()[0]).toInt();
  bool go_on = value(node.inputs()[1]).toBool();
  pass_on(node.inputs().slice(2), body.inputs().slice(1));
  for (int64_t i = 0; i < most && go_on; ++i) {
    count_step();
    set(body.inputs()[0], i);
    run_block(body);
    go_on = value(body.outputs()[0]).toBool();
    pass_on(body.outputs().slice(1), body.inputs().slice(1));
  }
  pass_on(body.inputs().slice(1), node.outputs());
}

void Recorder::is_instance(const Node& node) {
  const c10::TypePtr type = value(node.input()).type();
  bool is = false;
  for (const c10::TypePtr& wanted : node.tys(c10::attr::types)) is = is || type->isSubtypeOf(*wanted);
  set(node.output(), is);
}

}  // namespace pare
