// write_corpus FOLDER: one folder a target, one file a seed.
#include <cstdio>
#include <filesystem>

#include "core/base/file.h"
#include "tests/fuzz/targets.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  for (const auto& target : pare::fuzz::targets()) {
    const std::filesystem::path folder = std::filesystem::path(argv[1]) / target.name;
    std::filesystem::create_directories(folder);
    int i = 0;
    for (const std::string& seed : pare::fuzz::corpus(target.name))
      pare::write_file_atomic(folder / ("seed" + std::to_string(i++)), seed);
  }
  return 0;
}
