// Layout: PKWARE APPNOTE 6.3: entries, then the directory, then its end record. Only the directory is trusted for
// sizes.
#include "core/import/zip_archive.h"

#include <cstring>
#include <optional>

#include "core/base/error.h"

namespace pare {
namespace {

constexpr uint32_t kLocalMagic = 0x04034b50, kDirectoryMagic = 0x02014b50, kEndMagic = 0x06054b50;
constexpr uint32_t kEnd64Magic = 0x06064b50, kLocator64Magic = 0x07064b50;
constexpr size_t kLocalSize = 30, kDirectorySize = 46, kEndSize = 22, kEnd64Size = 56, kLocatorSize = 20;
constexpr size_t kMaxComment = 0xffff;
constexpr uint32_t kInZip64 = 0xffffffff;
constexpr uint16_t kZip64Field = 1;

// Little-endian reads inside bounds.
class Bytes {
 public:
  Bytes(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}
  size_t size() const { return bytes_.size(); }
  std::span<const std::byte> part(uint64_t at, uint64_t length) const {
    PARE_CHECK(at <= bytes_.size() && length <= bytes_.size() - at, ModelError,
               "[zip {}] expected {} bytes at offset {}, got a file of {}. Is the file complete?", where_, length, at,
               bytes_.size());
    return bytes_.subspan(at, length);
  }
  uint64_t number(uint64_t at, size_t width) const {
    uint64_t out = 0;
    const auto field = part(at, width);
    for (size_t i = 0; i < width; ++i) out |= static_cast<uint64_t>(field[i]) << (8 * i);
    return out;
  }
  uint16_t u16(uint64_t at) const { return static_cast<uint16_t>(number(at, 2)); }
  uint32_t u32(uint64_t at) const { return static_cast<uint32_t>(number(at, 4)); }
  uint64_t u64(uint64_t at) const { return number(at, 8); }
  std::string text(uint64_t at, uint64_t length) const {
    const auto field = part(at, length);
    return {reinterpret_cast<const char*>(field.data()), field.size()};
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
};

struct Directory {
  uint64_t entries = 0, size = 0, offset = 0;
};

Directory find_directory(const Bytes& in, const std::string& where) {
  PARE_CHECK(in.size() >= kEndSize, ModelError, "[zip {}] expected at least {} bytes, got {}", where, kEndSize,
             in.size());
  const size_t last = in.size() - kEndSize, first = last > kMaxComment ? last - kMaxComment : 0;
  size_t end = last;
  while (in.u32(end) != kEndMagic) {
    PARE_CHECK(end > first, ModelError, "[zip {}] expected a directory at the end. Is the file complete?", where);
    --end;
  }
  Directory out{in.u16(end + 10), in.u32(end + 12), in.u32(end + 16)};
  if (end >= kLocatorSize && in.u32(end - kLocatorSize) == kLocator64Magic) {
    const uint64_t at = in.u64(end - kLocatorSize + 8);
    in.part(at, kEnd64Size);
    PARE_CHECK(in.u32(at) == kEnd64Magic, ModelError, "[zip {}] expected the zip64 end record at offset {}", where, at);
    out = {in.u64(at + 32), in.u64(at + 40), in.u64(at + 48)};
  }
  in.part(out.offset, out.size);
  PARE_CHECK(out.entries <= out.size / kDirectorySize, ModelError,
             "[zip {}] expected {} entries in a directory of {} bytes", where, out.entries, out.size);
  return out;
}

struct Entry {
  std::string name;
  uint64_t stored = 0, size = 0, offset = 0, record = 0;  // record: bytes that the directory spends on it
  uint16_t flags = 0, method = 0;
};

// Sizes and offsets beyond 4 GiB stand in an extra field, in this order, each only when its plain field says so.
void read_zip64(const Bytes& in, uint64_t at, uint64_t length, Entry& entry) {
  for (const uint64_t end = at + length; at + 4 <= end;) {
    const uint16_t kind = in.u16(at), bytes = in.u16(at + 2);
    at += 4;
    if (kind == kZip64Field) {
      uint64_t field = at;
      for (uint64_t* value : {&entry.size, &entry.stored, &entry.offset}) {
        if (*value != kInZip64 || field + 8 > at + bytes) continue;
        *value = in.u64(field);
        field += 8;
      }
    }
    at += bytes;
  }
}

Entry read_entry(const Bytes& in, uint64_t at, const std::string& where) {
  in.part(at, kDirectorySize);
  PARE_CHECK(in.u32(at) == kDirectoryMagic, ModelError, "[zip {}] expected a directory entry at offset {}", where, at);
  Entry out;
  out.flags = in.u16(at + 8);
  out.method = in.u16(at + 10);
  out.stored = in.u32(at + 20);
  out.size = in.u32(at + 24);
  out.offset = in.u32(at + 42);
  const uint64_t name = in.u16(at + 28), extra = in.u16(at + 30), comment = in.u16(at + 32);
  out.name = in.text(at + kDirectorySize, name);
  in.part(at + kDirectorySize + name, extra);
  read_zip64(in, at + kDirectorySize + name, extra, out);
  out.record = kDirectorySize + name + extra + comment;
  return out;
}

}  // namespace

ZipEntries read_zip(std::span<const std::byte> bytes, const std::string& where) {
  const Bytes in(bytes, where);
  const Directory directory = find_directory(in, where);
  ZipEntries out;
  uint64_t at = directory.offset;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    const Entry entry = read_entry(in, at, where);
    at += entry.record;
    PARE_CHECK(entry.method == 0 && entry.stored == entry.size && (entry.flags & 1) == 0, ModelError,
               "[zip {}] expected plainly stored entries, got compression method {} for \"{}\". Save the file with "
               "PyTorch again",
               where, entry.method, entry.name);
    in.part(entry.offset, kLocalSize);
    PARE_CHECK(in.u32(entry.offset) == kLocalMagic, ModelError, "[zip {}] expected \"{}\" at offset {}", where,
               entry.name, entry.offset);
    const uint64_t data = entry.offset + kLocalSize + in.u16(entry.offset + 26) + in.u16(entry.offset + 28);
    PARE_CHECK(out.emplace(entry.name, in.part(data, entry.size)).second, ModelError,
               "[zip {}] expected entries with unique names, got \"{}\" twice", where, entry.name);
  }
  return out;
}

bool is_zip(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "PK\3\4", 4) == 0;
}

std::string archive_root(const ZipEntries& entries, const std::string& leaf, const std::string& where) {
  std::optional<std::string> root;
  const std::string end = "/" + leaf;
  for (const auto& [name, bytes] : entries) {
    if (!name.ends_with(end)) continue;
    PARE_CHECK(!root, ModelError, "[{}] expected one entry \"{}\" in the archive, got two", where, leaf);
    root = name.substr(0, name.size() - end.size());
  }
  PARE_CHECK(root, ModelError,
             "[{}] expected an entry \"{}\" in the archive, got none. Is it a PyTorch file of this kind?", where, leaf);
  return *root;
}

std::string_view entry_text(const ZipEntries& entries, const std::string& name, const std::string& where) {
  const auto found = entries.find(name);
  PARE_CHECK(found != entries.end(), ModelError, "[{}] expected an entry \"{}\" in the archive", where, name);
  return {reinterpret_cast<const char*>(found->second.data()), found->second.size()};
}

}  // namespace pare
