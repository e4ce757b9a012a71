#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pare {

/// A read-only memory-mapped file. Throws IoError naming the path when it cannot be opened or is not a regular file.
class MappedFile {
 public:
  static std::shared_ptr<const MappedFile> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Whole file as a string; IoError names the path.
std::string read_file(const std::string& path);

/// Writes a file so that a crash leaves either the old content or the new one: temporary name in the same folder,
/// fsync, rename, fsync of the folder. Throws IoError (disk full, read-only, ...) and removes the temporary file.
void write_file_atomic(const std::string& path, std::span<const std::byte> bytes);
void write_file_atomic(const std::string& path, std::string_view text);

/// Streaming form of write_file_atomic for big files: call `write` any number of times, then `commit`.
/// Destruction without `commit` removes the temporary file.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

 private:
  std::string path_, temporary_;
  int fd_ = -1;
};

/// Removes the temporary files that a killed writer left in `folder`.
void remove_stale_temporaries(const std::string& folder);

}  // namespace pare
