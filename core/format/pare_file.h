#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/format/frozen.h"

namespace pare {

/// Version of the container that this library writes; older ones are read for ever. See FORMAT.md.
inline constexpr int64_t kPareFormatVersion = 1;
/// Golden samples that live in the file itself; the others go to `save_golden`.
inline constexpr size_t kGoldenInside = 2;

/// Writes a `.pare` container atomically: a valid safetensors file with the graph, encodings and checksums as metadata.
/// At most `kGoldenInside` golden samples are written. The same model gives the same bytes.
/// Throws IoError, or ModelError when graph and constants do not fit each other.
void save_pare(const std::string& path, const FrozenModel& model);
/// The bytes that `save_pare` writes.
std::string serialize_pare(const FrozenModel& model);

/// Reads a container; tensors are lent from the mapped file. Every length, index and checksum is checked.
/// Throws IoError, or ModelError naming the file.
FrozenModel load_pare(const std::string& path);
/// The same from memory; `owner` keeps `bytes` alive, `where` names the source in errors.
FrozenModel parse_pare(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::string& where);

/// The text of metadata "pare.checksum" for such a file: XXH64 over names, types, shapes, payloads and other metadata.
std::string pare_checksum(const std::map<std::string, Tensor>& tensors, const std::map<std::string, std::string>& metadata);

/// Only what runs: graph, constants, preprocessing and labels. Size figures are those of the stripped file.
FrozenModel stripped(FrozenModel model);

/// Golden samples from index `first` on, in a safetensors file of their own: "<i>/input/<k>", "<i>/output/<k>".
void save_golden(const std::string& path, const std::vector<GoldenSample>& samples, size_t first = kGoldenInside);
std::vector<GoldenSample> load_golden(const std::string& path);

}  // namespace pare
