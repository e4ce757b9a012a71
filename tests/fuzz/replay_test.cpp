// The targets on the corpus itself, its truncations, and deterministic mutations of it.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/fuzz/targets.h"

namespace pare::fuzz {
namespace {

constexpr int kDefaultMutations = 30;  // a seed; PARE_FUZZ_MUTATIONS sets another number
constexpr int kTruncations = 16;

Bytes bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// A linear congruential generator: quality does not matter here.
class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed) {}
  size_t below(size_t limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return limit ? static_cast<size_t>((state_ >> 33) % limit) : 0;
  }

 private:
  uint64_t state_;
};

// Replaces a number of the text by one that overflows something.
void replace_number(std::string& text, Draw& draw) {
  static constexpr const char* kNumbers[] = {"0",
                                             "-1",
                                             "1",
                                             "3",
                                             "255",
                                             "65536",
                                             "2147483648",
                                             "4611686018427387904",
                                             "9223372036854775807",
                                             "-9223372036854775808",
                                             "18446744073709551615",
                                             "1e308",
                                             "0.5"};
  const size_t from = draw.below(text.size());
  const size_t start = text.find_first_of("0123456789", from);
  if (start == std::string::npos) return;
  const size_t end = std::min(text.find_first_not_of("0123456789.", start), text.size());
  text.replace(start, end - start, kNumbers[draw.below(std::size(kNumbers))]);
}

std::string mutated(std::string text, Draw& draw) {
  for (size_t change = draw.below(4) + 1; change-- > 0 && !text.empty();) {
    const size_t at = draw.below(text.size());
    switch (draw.below(8)) {
      case 0:
        text.erase(at, 1 + draw.below(8));
        break;
      case 1:
        text.insert(at, 1, static_cast<char>(draw.below(256)));
        break;
      case 2:
        text[at] = static_cast<char>(text[at] ^ (1 << draw.below(8)));
        break;
      case 3:
        text.insert(draw.below(text.size()), text.substr(at, 1 + draw.below(32)));
        break;
      case 4:
        text[at] = static_cast<char>(draw.below(256));
        break;
      default:
        replace_number(text, draw);
    }
  }
  return text;
}

// A safetensors file whose header alone changes: its length is put right, so that the readers behind it see the change.
std::string mutated_header(const std::string& file, Draw& draw) {
  constexpr size_t kLength = 8;
  size_t length = 0;
  for (size_t i = 0; i < kLength; ++i) length |= static_cast<size_t>(static_cast<unsigned char>(file[i])) << (8 * i);
  const std::string header = mutated(file.substr(kLength, length), draw);
  std::string out(kLength, '\0');
  for (size_t i = 0; i < kLength; ++i) out[i] = static_cast<char>(header.size() >> (8 * i));
  return out + header + file.substr(kLength + length);
}

class Replay : public ::testing::TestWithParam<size_t> {};

TEST_P(Replay, EndsWithAResultOrAnError) {
  const Target& target = targets().at(GetParam());
  const char* given = std::getenv("PARE_FUZZ_MUTATIONS");
  const int mutations = given ? std::atoi(given) : kDefaultMutations;
  const std::vector<std::string> seeds = corpus(target.name);
  ASSERT_GE(seeds.size(), 2u);
  const bool container = std::string(target.name) == "pare" || std::string(target.name) == "safetensors";
  Draw draw(1);
  int executions = 0;
  for (const std::string& seed : seeds) {
    run(target, bytes_of(seed));
    EXPECT_NO_THROW(target.read(bytes_of(seed))) << "a seed of " << target.name << " is refused";
    for (int i = 0; i < kTruncations; ++i, ++executions) run(target, bytes_of(seed).first(draw.below(seed.size())));
    for (int i = 0; i < mutations; ++i, ++executions) {
      run(target, bytes_of(container && i % 4 != 0 ? mutated_header(seed, draw) : mutated(seed, draw)));
    }
  }
  std::printf("%s: %zu seeds, %d executions\n", target.name, seeds.size(), executions);
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Replay, ::testing::Range(size_t{0}, targets().size()),
                         [](const auto& info) { return std::string(targets().at(info.param).name); });

}  // namespace
}  // namespace pare::fuzz
