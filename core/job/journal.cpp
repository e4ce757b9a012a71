#include "core/job/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/file.h"
#include "core/base/hash.h"

namespace pare {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRecord = "done.json";
constexpr const char* kKeyFile = "key";  ///< of the stage that is being made in a folder

void make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  PARE_CHECK(!error, IoError, "[journal] cannot create the folder \"{}\": {}", path, error.message());
}

/// A record that is damaged counts as absent: the stage is made again.
Json read_json(const std::string& path) {
  if (!fs::is_regular_file(path)) return nullptr;
  Json json = Json::parse(read_file(path), nullptr, false);
  return json.is_object() ? json : Json(nullptr);
}

}  // namespace

Journal::Journal(std::string folder, bool reader) : folder_(std::move(folder)) {
  if (reader) return;
  make_folder(folder_ + "/stages");
  const std::string path = folder_ + "/lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  PARE_CHECK(lock_ >= 0, IoError, "[journal] cannot write \"{}\": {}", path, std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    ::close(lock_);
    PARE_CHECK(why != EWOULDBLOCK, IoError, "[journal] another process runs in \"{}\". Wait for it or choose another --output", folder_);
    throw IoError(fmt("[journal] cannot lock \"{}\": {}", path, std::strerror(why)));
  }
  remove_stale_temporaries(folder_);
}

Journal::~Journal() {
  if (lock_ >= 0) ::close(lock_);
}

std::string Journal::stage_folder(size_t index, const std::string& name) const {
  return fmt("{}/stages/{}-{}", folder_, index, name);
}

std::optional<Json> Journal::find(size_t index, const std::string& name, const std::string& key) const {
  Json record = read_json(stage_folder(index, name) + "/" + kRecord);
  if (record.is_null() || record["key"] != Json(key) || !record.contains("results")) return std::nullopt;
  for (const Json& file : record["files"])
    if (!file.is_string() || !fs::exists(folder_ + "/" + file.get<std::string>())) return std::nullopt;
  return record["results"];
}

void Journal::begin(size_t index, const std::string& name, const std::string& key) {
  const std::string mine = stage_folder(index, name);
  const std::string prefix = std::to_string(index) + "-";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_ + "/stages", ignored)) {
    const std::string found = entry.path().filename().string();
    if (found.compare(0, prefix.size(), prefix) == 0 && entry.path() != fs::path(mine)) fs::remove_all(entry.path(), ignored);
  }
  const std::string key_path = mine + "/" + kKeyFile;
  const bool same = fs::is_regular_file(key_path) && read_file(key_path) == key;
  if (!same) fs::remove_all(mine, ignored);
  make_folder(mine);
  remove_stale_temporaries(mine);
  fs::remove(mine + "/" + kRecord, ignored);
  if (!same) write_file_atomic(key_path, key);
}

void Journal::commit(size_t index, const std::string& name, const std::string& key, const Json& results,
                     const std::vector<std::string>& files) {
  const Json record = {{"key", key}, {"stage", name}, {"results", results}, {"files", files}};
  write_file_atomic(stage_folder(index, name) + "/" + kRecord, record.dump(2) + "\n");
}

std::string chain_key(const std::string& before, const Json& depends) { return hex64(xxh64(before + depends.dump())); }

std::string file_key(const std::string& path) { return hex64(xxh64(MappedFile::open(path)->bytes())); }

}  // namespace pare
