#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pare {

/// How a child process ended and what it wrote.
struct ProgramResult {
  int status = -1;      ///< exit status, or -1 when a signal ended it
  int signal = 0;
  std::string out, err;
};

struct ProgramOptions {
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to this process's
  double kill_after = 0;         ///< seconds until `signal` is sent; 0: never
  int signal = 9;                ///< SIGKILL
  long file_size_limit = 0;      ///< bytes that a written file may have, as on a full disk; 0: any
};

/// Runs the `pare` program of this build in the repository's root.
ProgramResult run_pare(const std::vector<std::string>& arguments, const ProgramOptions& options = {});

/// A fresh empty folder that goes when this does.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  /// Path of a file in it, written when `text` is given.
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

}  // namespace pare
