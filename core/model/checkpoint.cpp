#include "core/model/checkpoint.h"

#include "core/format/json_text.h"
#include "core/format/safetensors.h"
#include "core/graph/json_form.h"

namespace pare {
namespace {

constexpr const char* kMarker = "pare.checkpoint";
constexpr const char* kVersion = "1";
const std::string kParam = "param/", kChain = "chain/", kExtra = "extra/";

std::string link_prefix(size_t index) { return fmt("{}{}/", kChain, index); }

// Tensors whose names start with `prefix`, without it.
std::map<std::string, Tensor> section(const SafetensorsFile& file, const std::string& prefix) {
  std::map<std::string, Tensor> out;
  for (auto it = file.tensors.lower_bound(prefix); it != file.tensors.end() && it->first.starts_with(prefix); ++it)
    out[it->first.substr(prefix.size())] = it->second;
  return out;
}

std::map<std::string, at::Tensor> owned(const std::map<std::string, Tensor>& tensors) {
  std::map<std::string, at::Tensor> out;
  for (const auto& [name, tensor] : tensors) out[name] = borrow(tensor).clone();
  return out;
}

const std::string& field(const SafetensorsFile& file, const char* name) {
  const auto it = file.metadata.find(name);
  PARE_CHECK(it != file.metadata.end(), ModelError, "expected metadata \"{}\", got none", name);
  return it->second;
}

void rebuild_chains(Model& model, const SafetensorsFile& file, const ChainFactories& factories) {
  const Json chains = parse_json(field(file, "chains"), "chains");
  PARE_CHECK(chains.is_array(), ModelError, "expected a list of chains");
  for (size_t i = 0; i < chains.size(); ++i) {
    const Json& link = chains[i];
    const bool fits = link.is_object() && link.contains("param") && link["param"].is_string() && link.contains("kind") &&
                      link["kind"].is_string() && link.contains("settings");
    PARE_CHECK(fits, ModelError, "expected param, kind and settings of link {}", i);
    const std::string kind = link["kind"].get<std::string>();
    const auto factory = factories.find(kind);
    PARE_CHECK(factory != factories.end(), ModelError, "unknown link \"{}\" on \"{}\". Pass its factory.", kind,
               link["param"].get<std::string>());
    model.add_link(link["param"].get<std::string>(),
                   factory->second(owned(section(file, link_prefix(i))), link["settings"]));
  }
}

Checkpoint rebuild(const SafetensorsFile& file, OpTable ops, TorchOps torch_ops, const ChainFactories& factories) {
  PARE_CHECK(file.metadata.count(kMarker), ModelError, "expected a checkpoint, got another safetensors file");
  PARE_CHECK(field(file, kMarker) == kVersion, ModelError, "expected a checkpoint of version {}, got {}", kVersion,
             field(file, kMarker));
  ConstantStore constants;
  for (const auto& [name, tensor] : section(file, kParam)) constants.set(name, tensor);
  Model model(graph_from_json(parse_json(field(file, "graph"), "graph")), constants, std::move(ops), std::move(torch_ops));
  rebuild_chains(model, file, factories);
  return {std::move(model), {owned(section(file, kExtra)), parse_json(field(file, "extras"), "extras")}};
}

}  // namespace

void save_checkpoint(const std::string& path, const Model& model, const CheckpointExtras& extras) {
  std::map<std::string, Tensor> tensors;
  Json chains = Json::array();
  for (const Param& p : model.params()) {
    tensors[kParam + p.name] = lend(p.raw);
    for (const auto& link : p.chain) {
      const std::string prefix = link_prefix(chains.size());
      for (const auto& [name, tensor] : link->state()) tensors[prefix + name] = lend(tensor);
      chains.push_back({{"param", p.name}, {"kind", link->kind()}, {"settings", link->settings()}});
    }
  }
  for (const auto& [name, tensor] : extras.tensors) tensors[kExtra + name] = lend(tensor);
  write_safetensors(path, tensors,
                    {{kMarker, kVersion},
                     {"graph", dump_json(to_json(model.graph()), "graph")},
                     {"chains", dump_json(chains, "chains")},
                     {"extras", dump_json(extras.json, "extras")}});
}

Checkpoint load_checkpoint(const std::string& path, OpTable ops, TorchOps torch_ops, const ChainFactories& chains) {
  const SafetensorsFile file = read_safetensors(path);
  try {
    return rebuild(file, std::move(ops), std::move(torch_ops), chains);
  } catch (const ModelError& error) {
    throw ModelError(fmt("[checkpoint {}] {}", path, error.what()));
  }
}

bool is_checkpoint(const std::string& path) {
  try {
    return read_safetensors(path).metadata.count(kMarker) != 0;
  } catch (const ModelError&) {
    return false;
  }
}

}  // namespace pare
