#pragma once
// What hostile files go through. A target feeds bytes to a reader as a file and goes on through planning and one run;
// it returns when they gave a result or a pare::Error that blames them, and aborts otherwise: on another exception, an
// InternalError, more than kMemoryLimit bytes beyond the file's own size. The sanitizers see the rest.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/format/frozen.h"

namespace pare::fuzz {

inline constexpr size_t kMemoryLimit = size_t{64} << 20;

using Bytes = std::span<const std::byte>;

struct Target {
  const char* name;  ///< what it reads
  void (*read)(Bytes);
};

/// .pare (its checksum is put right first), safetensors, ONNX, the graph's JSON, torch.export archives and state dicts.
const std::vector<Target>& targets();

/// Runs one target on a copy of exactly this size.
void run(const Target& target, Bytes bytes);

/// Files that a target takes as they are: every encoding, operator and form of the format between them.
std::vector<std::string> corpus(const std::string& target);

/// Plans and runs a model on small inputs of its own.
void run_model(FrozenModel model);

}  // namespace pare::fuzz
