#include "core/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/error.h"

namespace pare {
namespace {

constexpr std::string_view kTemporaryMark = ".tmp-pare-";

std::string reason() { return std::strerror(errno); }

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  PARE_CHECK(fd >= 0, IoError, "[file] cannot open \"{}\": {}", path, reason());
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    throw IoError(fmt("[file] expected a regular file, got \"{}\"", path));
  }
  auto out = std::shared_ptr<MappedFile>(new MappedFile);
  out->size_ = static_cast<size_t>(info.st_size);
  if (out->size_ > 0) {
    void* address = ::mmap(nullptr, out->size_, PROT_READ, MAP_PRIVATE, fd, 0);
    const std::string why = reason();
    ::close(fd);
    PARE_CHECK(address != MAP_FAILED, IoError, "[file] cannot map \"{}\": {}", path, why);
    out->data_ = static_cast<const std::byte*>(address);
  } else {
    ::close(fd);
  }
  return out;
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

std::string read_file(const std::string& path) {
  const auto file = MappedFile::open(path);
  return {reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size()};
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
  temporary_ = path_ + std::string(kTemporaryMark) + std::to_string(::getpid());
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  PARE_CHECK(fd_ >= 0, IoError, "[file] cannot write \"{}\": {}", path_, reason());
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) {
    ::close(fd_);
    ::unlink(temporary_.c_str());
  }
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    PARE_CHECK(n > 0, IoError, "[file] cannot write \"{}\": {}", path_, reason());
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::commit() {
  PARE_CHECK(::fsync(fd_) == 0, IoError, "[file] cannot sync \"{}\": {}", path_, reason());
  PARE_CHECK(::rename(temporary_.c_str(), path_.c_str()) == 0, IoError, "[file] cannot rename to \"{}\": {}", path_,
             reason());
  ::close(fd_);
  fd_ = -1;
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const int dir = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0) {  // some file systems refuse to sync a folder; the rename itself has succeeded
    ::fsync(dir);
    ::close(dir);
  }
}

void write_file_atomic(const std::string& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file_atomic(const std::string& path, std::string_view text) {
  write_file_atomic(path, std::as_bytes(std::span(text.data(), text.size())));
}

void remove_stale_temporaries(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().find(kTemporaryMark) != std::string::npos)
      std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace pare
