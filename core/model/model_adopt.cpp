#include <ATen/core/grad_mode.h>

#include <set>

#include "core/model/cuts.h"
#include "core/model/model_impl.h"

namespace pare {
namespace {

// A kept parameter stays the same leaf; a sliced one is a new leaf that takes its gradient along.
at::Tensor moved(const Param& old, const ParamRemap& entry) {
  if (entry.kind == ParamRemap::Kind::kKept) return old.raw;
  at::Tensor out = apply_cuts(old.raw.detach(), entry).contiguous();
  out.set_requires_grad(old.raw.requires_grad());
  if (old.raw.grad().defined()) out.mutable_grad() = apply_cuts(old.raw.grad(), entry).contiguous();
  return out;
}

// Links of a merged parameter must commute with the merge; integers do not.
Chain moved_chain(const Param& old, const ParamRemap& entry, const std::string& name) {
  Chain out;
  for (const auto& link : old.chain) {
    if (entry.kind == ParamRemap::Kind::kKept) {
      out.push_back(link);
      continue;
    }
    PARE_CHECK(entry.kind != ParamRemap::Kind::kMerged || link->order() != Parametrization::Order::kQuant, ModelError,
               "[{}] the link on \"{}\" cannot follow a merge of its parameter. Merge before quantizing.", link->kind(), name);
    out.push_back(link->clone());
    out.back()->remap(entry);
  }
  return out;
}

// Where a constant of the new graph comes from, names checked.
ParamRemap entry_of(const std::string& name, const Remap& remap, const std::set<std::string>& old_names,
                    const ConstantStore& fresh) {
  const auto it = remap.entries.find(name);
  ParamRemap entry = it != remap.entries.end() ? it->second : ParamRemap{.from = name};
  const bool moves = entry.kind == ParamRemap::Kind::kKept || entry.kind == ParamRemap::Kind::kSliced;
  if (moves || entry.kind == ParamRemap::Kind::kMerged) {
    if (entry.from.empty()) entry.from = name;
  }
  PARE_CHECK(!moves || old_names.count(entry.from), ModelError,
             "[adopt] parameter \"{}\" is to come from \"{}\", which the model does not have", name, entry.from);
  PARE_CHECK(moves || fresh.has(name), ModelError, "[adopt] expected a tensor for the new parameter \"{}\"", name);
  return entry;
}

}  // namespace

void Model::adopt(Graph graph, const Remap& remap, const ConstantStore& fresh) {
  at::NoGradGuard no_grad;
  std::set<std::string> old_names;
  for (const Param& p : impl_->params) old_names.insert(p.name);

  // Everything that may fail runs on copies first.
  std::vector<Param> params;
  ConstantStore store;
  for (ValueId id : constants_of(graph)) {
    const Value& value = graph.value(id);
    const ParamRemap entry = entry_of(value.name, remap, old_names, fresh);
    const bool fresh_raw = entry.kind == ParamRemap::Kind::kNew || entry.kind == ParamRemap::Kind::kMerged;
    const Param* old = old_names.count(entry.from) ? &param(entry.from) : nullptr;
    Param next = fresh_raw ? make_param(value, borrow(fresh.get(value.name)).clone().to(impl_->device))
                           : Param{value.name, value.role, moved(*old, entry), {}};
    if (old && entry.kind != ParamRemap::Kind::kNew) next.chain = moved_chain(*old, entry, value.name);
    for (const auto& link : next.chain) {
      PARE_CHECK(link->apply(next.raw).sizes() == next.raw.sizes(), ModelError,
                 "[{}] the link on \"{}\" did not follow the new shape {}", link->kind(), value.name, next.raw.sizes().vec());
    }
    store.set(value.name, lend(next.raw));
    params.push_back(std::move(next));
  }
  resolve_graph(graph, store, impl_->ops, impl_->torch_ops);
  for (RemapListener* listener : impl_->listeners) listener->check_remap(remap);

  impl_->graph = std::move(graph);
  impl_->params = std::move(params);
  impl_->index();
  const auto listeners = impl_->listeners;
  for (RemapListener* listener : listeners) listener->remap(*this, remap);
}

void Model::load_constants(const ConstantStore& constants) {
  std::vector<std::string> problems;
  for (const Param& p : impl_->params) {
    if (!constants.has(p.name)) {
      if (p.role != Role::kLiteral) problems.push_back(fmt("\"{}\" is missing", p.name));
      continue;
    }
    const Tensor& given = constants.get(p.name);
    const DType wanted = from_torch(p.raw.scalar_type());
    if (given.shape() != p.raw.sizes().vec())
      problems.push_back(fmt("\"{}\": expected shape {}, got {}", p.name, p.raw.sizes().vec(), given.shape()));
    else if (is_float(given.dtype()) != is_float(wanted))
      problems.push_back(fmt("\"{}\": expected {}, got {}", p.name, wanted, given.dtype()));
  }
  constexpr std::string_view kCounter = "num_batches_tracked";  // PyTorch's; a graph has no use for it
  for (const auto& [name, tensor] : constants.map())
    if (!impl_->by_name.count(name) && !name.ends_with(kCounter)) problems.push_back(fmt("\"{}\" is not in the model", name));
  PARE_CHECK(problems.empty(), ModelError, "[weights] {} differences between the model and the given tensors: {}",
             problems.size(), join(problems, "; "));
  at::NoGradGuard no_grad;
  for (Param& p : impl_->params)
    if (constants.has(p.name)) p.raw.copy_(borrow(constants.get(p.name)));
}

}  // namespace pare
