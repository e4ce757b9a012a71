#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/config_write.h"

namespace pare {

/// A run's folder, locked against a second process for as long as this lives. Every stage has a folder
/// `stages/<index>-<name>/` that counts only once its `done.json` is there, written last and atomically; a killed run
/// leaves whole stages or none.
class Journal {
 public:
  /// Creates the folder and locks it. Throws IoError when it cannot be written or another process runs in it.
  /// `reader`: no lock and no writing; for the ranks of a job that do not write.
  explicit Journal(std::string folder, bool reader = false);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  const std::string& folder() const { return folder_; }
  std::string stage_folder(size_t index, const std::string& name) const;

  /// What a finished stage recorded, if it was made under `key` and all files it left are still there.
  std::optional<Json> find(size_t index, const std::string& name, const std::string& key) const;
  /// Makes the stage's folder and removes what an older run left at this place under another key.
  void begin(size_t index, const std::string& name, const std::string& key);
  /// Declares the stage done. `files`: what it left, relative to the run's folder.
  void commit(size_t index, const std::string& name, const std::string& key, const Json& results,
              const std::vector<std::string>& files);

 private:
  std::string folder_;
  int lock_ = -1;
};

/// Key of a step: 16 hexadecimal digits from the key before it and what the step depends on.
std::string chain_key(const std::string& before, const Json& depends);

/// Key of a file's content, 16 hexadecimal digits. Throws IoError.
std::string file_key(const std::string& path);

}  // namespace pare
