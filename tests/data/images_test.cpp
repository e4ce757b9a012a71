#include <gtest/gtest.h>

#include <cmath>

#include "core/data/image.h"
#include "core/data/image_folder.h"
#include "tests/data/fixtures.h"

namespace pare {
namespace {

using testing::encode_jpeg;
using testing::encode_png;
using testing::smooth_image;
using testing::TempFolder;
using testing::write_tar;
using testing::write_text;

Tensor decode(const std::string& bytes) { return decode_image(std::as_bytes(std::span(bytes)), "fixture"); }

/// Quality 95 of a smooth image: rounding and quantization stay within a few steps.
constexpr int kJpegTolerance = 12;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(DecodeImage, PngIsLossless) {
  for (int64_t channels : {1, 3}) {
    const Tensor image = smooth_image(7, 5, channels, 1);
    EXPECT_TRUE(same_bytes(decode(encode_png(image)), image)) << channels;
  }
}

TEST(DecodeImage, PngTransparencyIsDropped) {
  const Tensor rgba = smooth_image(4, 6, 4, 2);
  const Tensor got = decode(encode_png(rgba));
  ASSERT_EQ(got.shape(), (Shape{4, 6, 3}));
  for (int64_t i = 0; i < 24; ++i)
    for (int64_t c = 0; c < 3; ++c) EXPECT_EQ(got.data<uint8_t>()[3 * i + c], rgba.data<uint8_t>()[4 * i + c]);
}

TEST(DecodeImage, JpegIsNear) {
  for (int64_t channels : {1, 3}) {
    const Tensor image = smooth_image(16, 24, channels, 3);
    const Tensor got = decode(encode_jpeg(image, 95));
    ASSERT_EQ(got.shape(), image.shape());
    for (int64_t i = 0; i < image.numel(); ++i)
      EXPECT_NEAR(got.data<uint8_t>()[i], image.data<uint8_t>()[i], kJpegTolerance);
  }
}

TEST(DecodeImage, EveryTruncationIsADataError) {
  const Tensor image = smooth_image(16, 16, 3, 4);
  for (const std::string& whole : {encode_png(image), encode_jpeg(image)}) {
    for (size_t size = 0; size + 2 < whole.size(); size += size < 64 ? 1 : 13)
      EXPECT_THROW(decode(whole.substr(0, size)), DataError) << size << " of " << whole.size();
  }
}

TEST(DecodeImage, MutationsNeverEscapeAsOtherErrors) {
  const Tensor image = smooth_image(12, 12, 3, 5);
  Rng rng(7);
  for (const std::string& whole : {encode_png(image), encode_jpeg(image)}) {
    for (int round = 0; round < 500; ++round) {
      std::string bytes = whole;
      for (int i = 0; i < 3; ++i) bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
      try {
        EXPECT_GT(decode(bytes).numel(), 0);
      } catch (const DataError&) {
      }
    }
  }
}

TEST(PreprocessImage, NormalisesToPlanes) {
  const Tensor image = smooth_image(3, 2, 3, 6);
  const Preprocess p{.mean = {0.485, 0.456, 0.406}, .std = {0.229, 0.224, 0.225}};
  const Tensor got = preprocess_image(image, p);
  ASSERT_EQ(got.shape(), (Shape{3, 3, 2}));
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < 6; ++i)
      EXPECT_FLOAT_EQ(got.data<float>()[c * 6 + i],
                      static_cast<float>((image.data<uint8_t>()[i * 3 + c] / 255.0 - p.mean[static_cast<size_t>(c)]) /
                                         p.std[static_cast<size_t>(c)]));
}

TEST(PreprocessImage, ResizesLikeHalfPixelBilinear) {
  const Tensor row = Tensor::of<uint8_t>({0, 100}, {1, 2, 1});
  const Tensor got = preprocess_image(row, {.channels = 1, .height = 1, .width = 4, .scale = 1.0});
  EXPECT_EQ(got.to_doubles(), (std::vector<double>{0, 25, 75, 100}));
  const Tensor same = preprocess_image(smooth_image(5, 5, 1, 1),
                                       {.layout = "nhwc", .channels = 1, .height = 5, .width = 5, .scale = 1.0});
  EXPECT_EQ(same.shape(), (Shape{5, 5, 1}));
}

TEST(PreprocessImage, ConvertsChannels) {
  const Tensor grey = preprocess_image(Tensor::of<uint8_t>({255, 0, 0}, {1, 1, 3}), {.channels = 1, .scale = 1.0});
  EXPECT_EQ(grey.to_doubles(), (std::vector<double>{76}));
  const Tensor rgb = preprocess_image(Tensor::of<uint8_t>({9}, {1, 1, 1}), {.channels = 3, .scale = 1.0});
  EXPECT_EQ(rgb.to_doubles(), (std::vector<double>{9, 9, 9}));
}

TEST(PreprocessImage, RefusesWrongStatistics) {
  const Tensor image = smooth_image(2, 2, 3, 1);
  EXPECT_THROW(preprocess_image(image, {.mean = {0.5}}), ConfigError);
  EXPECT_THROW(preprocess_image(image, {.std = {1, 0, 1}}), ConfigError);
  EXPECT_THROW(preprocess_image(Tensor(DType::kF32, {2, 2, 3}), {}), DataError);
}

/// Two classes, two splits, three images a class; `tar` names carry a root folder.
std::vector<std::pair<std::string, std::string>> small_set() {
  std::vector<std::pair<std::string, std::string>> files;
  for (const std::string split : {"train", "test"})
    for (const std::string label : {"dog", "cat"})
      for (int i = 0; i < 3; ++i)
        files.emplace_back(fmt("set/{}/{}/{}.png", split, label, i),
                           encode_png(smooth_image(8, 8, 3, files.size())));
  files.emplace_back("set/readme.txt", "not an image");
  return files;
}

void expect_same(const DatasetPtr& a, const DatasetPtr& b) {
  ASSERT_EQ(a->size(), b->size());
  EXPECT_EQ(a->labels(), b->labels());
  for (int64_t i = 0; i < a->size(); ++i) {
    const Example x = a->get(i, Rng(0)), y = b->get(i, Rng(0));
    EXPECT_TRUE(same_bytes(x.input, y.input)) << i;
    EXPECT_EQ(x.label, y.label) << i;
  }
}

TEST(ImageFolder, FolderTarAndTarGzAgree) {
  const TempFolder folder;
  const auto files = small_set();
  for (const auto& [name, content] : files) write_text(folder / name, content);
  write_tar(folder / "a.tar", files, false);
  write_tar(folder / "a.tar.gz", files, true);
  const auto plain = image_folder(folder / "set", "train", 3, 1 << 20);
  EXPECT_EQ(plain->labels(), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(plain->size(), 6);
  EXPECT_EQ(plain->get(0, Rng(0)).label, 0);
  EXPECT_TRUE(same_bytes(plain->get(0, Rng(0)).input, smooth_image(8, 8, 3, 3)));  // train/cat/0 is the fourth file
  expect_same(plain, image_folder(folder / "a.tar", "train", 3, 1 << 20));
  expect_same(plain, image_folder(folder / "a.tar.gz", "train", 3, 1 << 20));
  expect_same(plain, image_folder(folder / "a.tar.gz", "train", 3, 0));     // nothing cached: read again
  expect_same(plain, image_folder(folder / "a.tar.gz", "train", 3, 200));   // some cached
}

TEST(ImageFolder, ReadsOutOfOrderWithoutCache) {
  const TempFolder folder;
  write_tar(folder / "a.tar.gz", small_set(), true);
  const auto cached = image_folder(folder / "a.tar.gz", "test", 3, 1 << 20),
             bare = image_folder(folder / "a.tar.gz", "test", 3, 0);
  for (int64_t i : {5, 0, 3, 3, 1, 4, 2})
    EXPECT_TRUE(same_bytes(cached->get(i, Rng(0)).input, bare->get(i, Rng(0)).input)) << i;
}

TEST(ImageFolder, FingerprintFollowsContent) {
  const TempFolder folder;
  auto files = small_set();
  for (const auto& [name, content] : files) write_text(folder / name, content);
  const uint64_t before = image_folder(folder / "set", "train", 3, 0)->fingerprint();
  EXPECT_EQ(before, image_folder(folder / "set", "train", 3, 0)->fingerprint());
  write_text(folder / "set/train/cat/9.png", encode_png(smooth_image(4, 4, 3, 9)));
  EXPECT_NE(before, image_folder(folder / "set", "train", 3, 0)->fingerprint());
}

TEST(ImageFolder, CorruptEntryNamesArchiveAndEntry) {
  const TempFolder folder;
  auto files = small_set();
  files[4].second.resize(30);
  write_tar(folder / "a.tar.gz", files, true);
  const auto set = image_folder(folder / "a.tar.gz", "train", 3, 1 << 20);
  const std::string text = message_of([&] { set->get(1, Rng(0)); });
  EXPECT_NE(text.find("a.tar.gz"), std::string::npos) << text;
  EXPECT_NE(text.find("set/train/cat/1.png"), std::string::npos) << text;
}

TEST(ImageFolder, EntryThatIsNoImage) {
  const TempFolder folder;
  write_text(folder / "train/a/x.jpg", "hello");
  const auto set = image_folder(folder.path(), "train", 3, 0);
  EXPECT_NE(message_of([&] { set->get(0, Rng(0)); }).find("train/a/x.jpg"), std::string::npos);
}

TEST(ImageFolder, FileThatDisappearsIsNamed) {
  const TempFolder folder;
  write_text(folder / "train/a/x.png", encode_png(smooth_image(2, 2, 3, 0)));
  const auto set = image_folder(folder.path(), "train", 3, 0);
  std::filesystem::remove(folder / "train/a/x.png");
  EXPECT_NE(message_of([&] { set->get(0, Rng(0)); }).find("train/a/x.png"), std::string::npos);
}

TEST(ImageFolder, MissingSplitListsThoseThere) {
  const TempFolder folder;
  write_tar(folder / "a.tar", small_set(), false);
  const std::string text = message_of([&] { image_folder(folder / "a.tar", "val", 3, 0); });
  EXPECT_NE(text.find("test, train"), std::string::npos) << text;
}

TEST(ImageFolder, MissingPathIsNamed) {
  const std::string text = message_of([] { image_folder("/nonexistent/x.tar.gz", "train", 3, 0); });
  EXPECT_NE(text.find("/nonexistent/x.tar.gz"), std::string::npos) << text;
}

TEST(ImageFolder, NotAnArchive) {
  const TempFolder folder;
  write_text(folder / "a.tar", std::string(5000, 'x'));
  EXPECT_THROW(image_folder(folder / "a.tar", "train", 3, 0), DataError);
  write_text(folder / "b.tar", "");
  EXPECT_THROW(image_folder(folder / "b.tar", "train", 3, 0), DataError);
}

TEST(ImageFolder, TruncatedArchives) {
  const TempFolder folder;
  const auto files = small_set();
  for (const bool gzip : {false, true}) {
    write_tar(folder / "whole", files, gzip);
    const std::string whole = testing::bytes_of_file(folder / "whole");
    for (const double part : {0.0, 0.1, 0.33, 0.5, 0.77}) {
      // Uneven, so that a tar is cut inside an entry: at an entry's end it is a shorter, valid tar.
      const auto size = static_cast<size_t>(part * static_cast<double>(whole.size())) / 512 * 512 + (gzip ? 0 : 100);
      write_text(folder / "cut", whole.substr(0, size));
      const std::string text = message_of([&] {
        const auto set = image_folder(folder / "cut", "test", 3, 1 << 20);
        for (int64_t i = 0; i < set->size(); ++i) set->get(i, Rng(0));
        PARE_CHECK(set->size() == 6, DataError, "only a part was found ({})", folder / "cut");
      });
      EXPECT_NE(text.find(folder / "cut"), std::string::npos) << part << " " << text;
      EXPECT_EQ(text.find("only a part"), std::string::npos)
          << "truncation passed unnoticed: " << part << " gzip " << gzip;
    }
  }
}

}  // namespace
}  // namespace pare
