#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace pare {

/// Entries of a zip file by name, lent from its bytes.
using ZipEntries = std::map<std::string, std::span<const std::byte>>;

/// Reads the directory of a zip file whose entries are stored, as PyTorch writes them (zip64 too). Throws ModelError
/// naming `where`: no zip file, damaged, compressed or encrypted entries, two of one name.
ZipEntries read_zip(std::span<const std::byte> bytes, const std::string& where);

/// True when the bytes begin like a zip file.
bool is_zip(std::span<const std::byte> bytes);

/// The folder that all entries of a PyTorch archive lie in: what precedes the one entry that ends with "/<leaf>".
/// Throws ModelError unless there is exactly one.
std::string archive_root(const ZipEntries& entries, const std::string& leaf, const std::string& where);

/// An entry as text. Throws ModelError when there is none of that name.
std::string_view entry_text(const ZipEntries& entries, const std::string& name, const std::string& where);

}  // namespace pare
