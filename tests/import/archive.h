#pragma once
// Zip files as PyTorch writes them, made by hand so that tests can damage them on purpose.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pare::test {

inline const std::string kFixtures = "tests/import/fixtures/";

inline std::string little(uint64_t value, int width) {
  std::string out;
  for (int i = 0; i < width; ++i) out += i < 8 ? static_cast<char>(value >> (8 * i)) : char{0};
  return out;
}

/// Entries in this order, with `method` as compression method (0: stored).
inline std::string zip_of(const std::vector<std::pair<std::string, std::string>>& entries, uint16_t method = 0) {
  std::string out, directory;
  for (const auto& [name, data] : entries) {
    const std::string common = little(0, 2) + little(method, 2) + little(0, 8) + little(data.size(), 4) +
                               little(data.size(), 4) + little(name.size(), 2) + little(0, 2);
    directory += "PK\1\2" + little(0, 4) + common + little(0, 10) + little(out.size(), 4) + name;
    out += "PK\3\4" + little(0, 2) + common + name + data;
  }
  const std::string end = "PK\5\6" + little(0, 4) + little(entries.size(), 2) + little(entries.size(), 2) +
                          little(directory.size(), 4) + little(out.size(), 4) + little(0, 2);
  return out + directory + end;
}

}  // namespace pare::test
