#include "core/format/golden.h"

#include "core/format/pare_file.h"
#include "core/format/safetensors.h"

namespace pare {
namespace {

std::string key_of(const std::string& prefix, size_t sample, const char* side, size_t k) {
  return fmt("{}{}/{}/{}", prefix, sample, side, k);
}

std::vector<Tensor> take_side(std::map<std::string, Tensor>& tensors, const std::string& prefix, size_t sample,
                              const char* side) {
  std::vector<Tensor> out;
  for (;;) {
    const auto found = tensors.find(key_of(prefix, sample, side, out.size()));
    if (found == tensors.end()) return out;
    out.push_back(found->second);
    tensors.erase(found);
  }
}

}  // namespace

void put_golden(std::map<std::string, Tensor>& tensors, const std::string& prefix,
                const std::vector<GoldenSample>& samples) {
  for (size_t i = 0; i < samples.size(); ++i) {
    PARE_CHECK(!samples[i].inputs.empty() && !samples[i].outputs.empty(), ModelError,
               "[golden] expected inputs and outputs in sample {}", i);
    for (size_t k = 0; k < samples[i].inputs.size(); ++k) tensors[key_of(prefix, i, "input", k)] = samples[i].inputs[k];
    for (size_t k = 0; k < samples[i].outputs.size(); ++k) tensors[key_of(prefix, i, "output", k)] = samples[i].outputs[k];
  }
}

std::vector<GoldenSample> take_golden(std::map<std::string, Tensor>& tensors, const std::string& prefix,
                                      const std::string& where) {
  std::vector<GoldenSample> out;
  for (;;) {
    GoldenSample sample{take_side(tensors, prefix, out.size(), "input"), take_side(tensors, prefix, out.size(), "output")};
    if (sample.inputs.empty() && sample.outputs.empty()) return out;
    PARE_CHECK(!sample.inputs.empty() && !sample.outputs.empty(), ModelError,
               "[{}] expected inputs and outputs in golden sample {}", where, out.size());
    out.push_back(std::move(sample));
  }
}

void save_golden(const std::string& path, const std::vector<GoldenSample>& samples, size_t first) {
  std::map<std::string, Tensor> tensors;
  if (first < samples.size())
    put_golden(tensors, "", {samples.begin() + static_cast<std::ptrdiff_t>(first), samples.end()});
  write_safetensors(path, tensors, {{"pare.golden", "1"}});
}

std::vector<GoldenSample> load_golden(const std::string& path) {
  SafetensorsFile file = read_safetensors(path);
  std::vector<GoldenSample> out = take_golden(file.tensors, "", path);
  PARE_CHECK(file.tensors.empty(), ModelError, "[golden {}] unexpected tensor \"{}\"", path,
             file.tensors.empty() ? "" : file.tensors.begin()->first);
  return out;
}

}  // namespace pare
