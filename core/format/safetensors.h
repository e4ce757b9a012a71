#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/base/tensor.h"

namespace pare {

/// Content of a safetensors file. Tensors are lent from the mapped file (copied when they lie unaligned in it).
struct SafetensorsFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Payloads of at least this many bytes start at multiples of it: a cache line and the widest vector register. Smaller ones
/// start at multiples of their element size, so that scales and zero points cost no padding.
inline constexpr int64_t kPayloadAlignment = 64;

/// Maps and checks a safetensors file: every length and offset, no holes, no overlap, no duplicate names.
/// Padding entries written by `write_safetensors` are left out. Throws IoError when the file cannot be read,
/// ModelError naming the file when its content is wrong or an element type is not supported.
SafetensorsFile read_safetensors(const std::string& path);

/// The same from memory; `owner` keeps `bytes` alive, `where` names the source in errors.
SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                  const std::string& where);

/// Writes atomically; payloads are aligned: the header is padded with spaces, gaps are filled by U8 tensors named `pad.N`
/// (the format allows no holes). The same content gives the same bytes.
/// Throws IoError, or ModelError when a tensor has such a name itself.
void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// The bytes that `write_safetensors` writes.
std::string serialize_safetensors(const std::map<std::string, Tensor>& tensors,
                                  const std::map<std::string, std::string>& metadata = {});

}  // namespace pare
