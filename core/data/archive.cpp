#include "core/data/file_source.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <numeric>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/rng.h"

namespace pare {
namespace {

constexpr int64_t kMaxEntry = int64_t{1} << 30;

/// One pass over an archive that lies in memory.
class ArchiveReader {
  struct Free {
    void operator()(archive* reader) const { archive_read_free(reader); }
  };

 public:
  ArchiveReader(const std::string& path, std::span<const std::byte> bytes, bool raw)
      : path_(path), archive_(archive_read_new()) {
    archive_read_support_filter_gzip(archive_.get());
    if (raw)
      archive_read_support_format_raw(archive_.get());
    else
      archive_read_support_format_tar(archive_.get());
    check(archive_read_open_memory(archive_.get(), bytes.data(), bytes.size()), "");
  }

  /// Moves to the next entry; false at the end.
  bool next() {
    const int status = archive_read_next_header(archive_.get(), &entry_);
    if (status == ARCHIVE_EOF) return false;
    check(status, "");
    return true;
  }
  bool is_file() const { return archive_entry_filetype(entry_) == AE_IFREG; }
  std::string name() const {
    const char* name = archive_entry_pathname(entry_);
    return name ? name : "";
  }
  int64_t position() const { return archive_read_header_position(archive_.get()); }
  bool compressed() const { return archive_filter_count(archive_.get()) > 1; }
  int64_t size() const {
    const int64_t size = archive_entry_size(entry_);
    PARE_CHECK(size >= 0 && size <= kMaxEntry, DataError, "[archive] expected at most {} bytes, got {} ({}: {})", kMaxEntry,
               size, path_, name());
    return size;
  }
  Bytes content() {
    Bytes out(static_cast<size_t>(size()));
    size_t done = 0;
    while (done < out.size()) {
      const auto got = archive_read_data(archive_.get(), out.data() + done, out.size() - done);
      if (got < 0) check(static_cast<int>(got), name());
      PARE_CHECK(got > 0, DataError, "[archive] truncated entry: expected {} bytes, got {} ({}: {})", out.size(), done, path_,
                 name());
      done += static_cast<size_t>(got);
    }
    return out;
  }
  /// A stream of unknown length.
  Bytes rest(int64_t limit) {
    Bytes out;
    for (;;) {
      const size_t done = out.size();
      out.resize(done + (size_t{1} << 20));
      const auto got = archive_read_data(archive_.get(), out.data() + done, out.size() - done);
      if (got < 0) check(static_cast<int>(got), "");
      out.resize(done + static_cast<size_t>(got));
      if (got == 0) return out;
      PARE_CHECK(static_cast<int64_t>(out.size()) <= limit, DataError, "[archive] expected at most {} bytes unpacked ({})",
                 limit, path_);
    }
  }

 private:
  void check(int status, const std::string& entry) const {
    if (status == ARCHIVE_OK) return;
    const char* text = archive_error_string(archive_.get());
    throw DataError(fmt("[archive] corrupt or truncated: {} ({}{}{})", text ? text : "unknown error", path_,
                        entry.empty() ? "" : ": ", entry));
  }
  std::string path_;
  std::unique_ptr<archive, Free> archive_;  // freed when the constructor throws, too
  archive_entry* entry_ = nullptr;
};

class ArchiveSource final : public FileSource {
 public:
  ArchiveSource(const std::string& path, int64_t cache_limit, const std::function<bool(const std::string&)>& wanted)
      : path_(path), file_(MappedFile::open(path)) {
    index(cache_limit, wanted);
    sort();
  }

  std::shared_ptr<const Bytes> read(size_t i) const override {
    const Entry& entry = entries_.at(i);
    if (entry.bytes) return entry.bytes;
    if (compressed_) return std::make_shared<Bytes>(read_again(entry));
    ArchiveReader reader(path_, file_->bytes().subspan(static_cast<size_t>(entry.position)), false);
    PARE_CHECK(reader.next(), DataError, "[archive] entry has gone ({}: {})", path_, names_[i]);
    return std::make_shared<Bytes>(reader.content());
  }

 private:
  struct Entry {
    int64_t ordinal = 0;    ///< position among all headers
    int64_t position = 0;   ///< of its header in an uncompressed file
    std::shared_ptr<const Bytes> bytes;
  };

  void index(int64_t cache_limit, const std::function<bool(const std::string&)>& wanted) {
    ArchiveReader reader(path_, file_->bytes(), false);
    int64_t kept = 0;
    fingerprint_ = hash64(fmt("{} {}", file_->bytes().size(),
                              std::filesystem::last_write_time(path_).time_since_epoch().count()));
    for (int64_t ordinal = 0; reader.next(); ++ordinal) {
      const std::string name = reader.name();
      if (!reader.is_file() || !wanted(name)) continue;
      compressed_ = reader.compressed();
      Entry entry{ordinal, reader.position(), nullptr};
      const int64_t size = reader.size();
      fingerprint_ = hash64(fmt("{} {}", name, size), fingerprint_);
      if (compressed_ && kept + size <= cache_limit) {
        entry.bytes = std::make_shared<const Bytes>(reader.content());
        kept += size;
      }
      names_.push_back(name);
      entries_.push_back(std::move(entry));
    }
  }

  void sort() {
    std::vector<size_t> order(names_.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return names_[a] < names_[b]; });
    std::vector<std::string> names;
    std::vector<Entry> entries;
    for (size_t i : order) {
      names.push_back(std::move(names_[i]));
      entries.push_back(std::move(entries_[i]));
    }
    names_ = std::move(names);
    entries_ = std::move(entries);
  }

  Bytes read_again(const Entry& entry) const {
    std::lock_guard lock(mutex_);
    if (!reader_ || entry.ordinal < next_ordinal_) {
      reader_ = std::make_unique<ArchiveReader>(path_, file_->bytes(), false);
      next_ordinal_ = 0;
    }
    try {
      do {
        PARE_CHECK(reader_->next(), DataError, "[archive] entry has gone ({})", path_);
      } while (next_ordinal_++ != entry.ordinal);
      return reader_->content();
    } catch (...) {
      reader_.reset();
      throw;
    }
  }

  std::string path_;
  std::shared_ptr<const MappedFile> file_;
  bool compressed_ = false;
  std::vector<Entry> entries_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<ArchiveReader> reader_;
  mutable int64_t next_ordinal_ = 0;
};

}  // namespace

std::shared_ptr<const FileSource> open_archive(const std::string& path, int64_t cache_limit,
                                               const std::function<bool(const std::string&)>& wanted) {
  return std::make_shared<ArchiveSource>(path, cache_limit, wanted);
}

Bytes read_gzip(const std::string& path, int64_t limit) {
  const auto file = MappedFile::open(path);
  ArchiveReader reader(path, file->bytes(), true);
  PARE_CHECK(reader.next(), DataError, "[archive] expected gzip data, got none ({})", path);
  return reader.rest(limit);
}

}  // namespace pare
