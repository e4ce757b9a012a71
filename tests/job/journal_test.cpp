#include "core/job/journal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "core/base/file.h"

namespace pare {
namespace {
namespace fs = std::filesystem;

class JournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              fmt("pare-journal-{}-{}", ::getpid(), ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  fs::path folder_;
};

TEST_F(JournalTest, FindsAStageOnlyUnderItsKeyAndWithItsFiles) {
  {
    Journal journal(folder_.string());
    EXPECT_FALSE(journal.find(0, "train", "k1"));
    journal.begin(0, "train", "k1");
    write_file_atomic(path("made.bin"), "x");
    EXPECT_FALSE(journal.find(0, "train", "k1")) << "not before commit";
    journal.commit(0, "train", "k1", {{"top1", 0.5}}, {"made.bin"});
  }
  Journal journal(folder_.string());
  ASSERT_TRUE(journal.find(0, "train", "k1"));
  EXPECT_EQ((*journal.find(0, "train", "k1"))["top1"], 0.5);
  EXPECT_FALSE(journal.find(0, "train", "k2"));
  EXPECT_FALSE(journal.find(1, "train", "k1"));
  fs::remove(path("made.bin"));
  EXPECT_FALSE(journal.find(0, "train", "k1"));
}

TEST_F(JournalTest, BeginKeepsProgressOfTheSameKeyAndDropsOthers) {
  Journal journal(folder_.string());
  journal.begin(0, "train", "k1");
  const std::string progress = journal.stage_folder(0, "train") + "/progress";
  write_file_atomic(progress, "half");
  journal.begin(0, "train", "k1");
  EXPECT_TRUE(fs::exists(progress));
  journal.begin(0, "train", "k2");
  EXPECT_FALSE(fs::exists(progress));
  journal.begin(0, "prune", "k3");
  EXPECT_FALSE(fs::exists(journal.stage_folder(0, "train")));
  journal.begin(10, "train", "k4");
  EXPECT_TRUE(fs::exists(journal.stage_folder(0, "prune"))) << "index 0 is not index 10";
}

TEST_F(JournalTest, ADamagedRecordCountsAsAbsent) {
  Journal journal(folder_.string());
  for (const char* text :
       {"", "{", "[]", "3", "{\"key\": 3}", "{\"key\": \"k\"}", "{\"key\": \"k\", \"results\": {}, \"files\": [3]}"}) {
    journal.begin(0, "train", "k");
    write_file_atomic(journal.stage_folder(0, "train") + "/done.json", text);
    EXPECT_FALSE(journal.find(0, "train", "k")) << text;
  }
}

TEST_F(JournalTest, ASecondProcessIsRefused) {
  Journal journal(folder_.string());
  EXPECT_THROW(Journal(folder_.string()), IoError);
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      Journal second(folder_.string());
      ::_exit(0);
    } catch (const IoError& e) {
      ::_exit(std::string(e.what()).find("another process") != std::string::npos ? 7 : 1);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(JournalTest, AFileInTheWayIsAnIoError) {
  write_file_atomic(folder_.string(), "I am a file");
  EXPECT_THROW(Journal(folder_.string()), IoError);
}

TEST(ChainKey, DependsOnEverything) {
  const std::string a = chain_key("x", {{"seed", 1}});
  EXPECT_EQ(a.size(), 16u);
  EXPECT_EQ(a, chain_key("x", {{"seed", 1}}));
  EXPECT_NE(a, chain_key("y", {{"seed", 1}}));
  EXPECT_NE(a, chain_key("x", {{"seed", 2}}));
}

}  // namespace
}  // namespace pare
