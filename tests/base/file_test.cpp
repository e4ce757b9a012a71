#include "core/base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "core/base/error.h"

namespace pare {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  Files() : folder_(fs::temp_directory_path() / fs::path("pare_file_test_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~Files() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  fs::path folder_;
};

TEST_F(Files, WriteReplacesWholeFiles) {
  write_file_atomic(path("a"), "a long first version");
  write_file_atomic(path("a"), "second");
  EXPECT_EQ(read_file(path("a")), "second");
  EXPECT_EQ(entries(), 1u) << "no temporary file is left";
  write_file_atomic(path("empty"), "");
  EXPECT_EQ(read_file(path("empty")), "");
}

TEST_F(Files, UncommittedWritesLeaveTheOldFile) {
  write_file_atomic(path("a"), "old");
  {
    AtomicFile file(path("a"));
    file.write("new content");
    EXPECT_EQ(read_file(path("a")), "old");
  }
  EXPECT_EQ(read_file(path("a")), "old");
  EXPECT_EQ(entries(), 1u);
  AtomicFile file(path("a"));
  file.write("in ");
  file.write("parts");
  file.commit();
  EXPECT_EQ(read_file(path("a")), "in parts");
}

TEST_F(Files, MappingOutlivesReplacement) {
  write_file_atomic(path("a"), "old");
  const auto mapped = MappedFile::open(path("a"));
  write_file_atomic(path("a"), "new");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped->bytes().data()), 3), "old");
}

TEST_F(Files, StaleTemporariesGo) {
  write_file_atomic(path("kept"), "x");
  std::ofstream(path("model.pare.tmp-pare-12345")) << "half a file";
  EXPECT_EQ(entries(), 2u);
  remove_stale_temporaries(folder_.string());
  EXPECT_EQ(entries(), 1u);
  EXPECT_EQ(read_file(path("kept")), "x");
}

void expect_io_error(const std::function<void()>& act, const std::string& part) {
  try {
    act();
    FAIL() << "expected IoError";
  } catch (const IoError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST_F(Files, ErrorsNameThePath) {
  expect_io_error([&] { read_file(path("absent")); }, path("absent"));
  expect_io_error([&] { read_file(folder_.string()); }, "regular file");
  expect_io_error([&] { write_file_atomic(path("no/such/folder"), "x"); }, path("no/such/folder"));
  fs::create_directories(path("taken/by/a/folder"));
  expect_io_error([&] { write_file_atomic(path("taken"), "x"); }, path("taken"));
  for (const auto& entry : fs::directory_iterator(folder_)) EXPECT_EQ(entry.path().filename(), "taken");
}

}  // namespace
}  // namespace pare
