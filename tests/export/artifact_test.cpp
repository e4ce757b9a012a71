#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/base/file.h"
#include "core/format/pare_file.h"
#include "core/runtime/executor.h"
#include "core/zoo/zoo.h"
#include "export/compare.h"
#include "export/exporter.h"
#include "export/report.h"
#include "export/verify.h"
#include "tests/export/qdq_model.h"

namespace pare {
namespace {

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pare_artifact_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Tensor image(int64_t rows, int64_t channels, int64_t size, uint64_t seed) {
  Tensor out(DType::kF32, {rows, channels, size, size});
  for (int64_t i = 0; i < out.numel(); ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    out.mutable_data<float>()[i] = static_cast<float>(seed >> 40) / 8388608.0f - 1.0f;
  }
  return out;
}

// Golden outputs of the executor as written, so that verification has something to agree with.
FrozenModel with_golden(FrozenModel model, int samples, int64_t channels, int64_t size) {
  Executor executor(model, {.fuse_integer = false});
  for (int i = 0; i < samples; ++i) {
    const Tensor x = image(1, channels, size, static_cast<uint64_t>(i) + 1);
    model.golden.push_back({{x}, executor.run({x})});
  }
  return model;
}

TEST(Artifact, holds_every_file_that_the_manifest_names) {
  const Folder folder;
  const FrozenModel model = with_golden(test::float_model(zoo("lenet5")), 4, 1, 28);
  const Manifest manifest = write_artifact(model, folder.path(), {.formats = {"pare", "onnx", "safetensors"}});
  ASSERT_EQ(manifest.files.size(), 4u);
  for (const auto& file : manifest.files)
    EXPECT_EQ(static_cast<int64_t>(std::filesystem::file_size(folder.path() + "/" + file.name)), file.bytes);
  const Manifest back = load_manifest(folder.path());
  EXPECT_EQ(back.status, "unchecked");
  EXPECT_EQ(back.files[1].xxh64, manifest.files[1].xxh64);
  EXPECT_EQ(load_golden(folder.path() + "/golden.safetensors").size(), 2u);
}

TEST(Artifact, unknown_formats_and_bad_manifests_are_refused) {
  const Folder folder;
  const FrozenModel model = test::float_model(zoo("mlp"));
  EXPECT_THROW(write_artifact(model, folder.path(), {.formats = {"tflite"}}), ConfigError);
  EXPECT_THROW(load_manifest(folder.path()), IoError);
  for (
      const char* text :
      {"", "[]", "{\"model\": 1}",
       R"({"model":"m","verified":null,"files":[{"name":"../x","format":"pare","bytes":1,"xxh64":""}],"caveats":[],"verification":{}})"}) {
    std::ofstream(folder.path() + "/manifest.json") << text;
    EXPECT_THROW(load_manifest(folder.path()), ModelError) << text;
  }
  EXPECT_THROW(write_artifact(model, "/proc/nowhere"), IoError);
}

TEST(Verify, float_models_agree_in_every_form) {
  const Folder folder;
  const FrozenModel model = with_golden(test::float_model(zoo("lenet5")), 4, 1, 28);
  write_artifact(model, folder.path());
  const VerifyReport report = verify_artifact(model, folder.path());
  EXPECT_FALSE(report.quantized);
  ASSERT_EQ(report.contestants.size(), 4u);
  for (const auto& row : report.contestants) EXPECT_EQ(row.rows, 4) << row.what;
  EXPECT_EQ(load_manifest(folder.path()).status, "verified");
  EXPECT_EQ(report.table().size(), 5u);
}

TEST(Verify, quantized_models_agree_in_every_form) {
  const Folder folder;
  const FrozenModel model = with_golden(test::qdq_model(), 3, 3, 12);
  write_artifact(model, folder.path());
  int left = 4;
  const VerifyReport report = verify_artifact(model, folder.path(), [&](VerifyBatch& batch) {
    if (left-- == 0) return false;
    batch.inputs = {image(5, 3, 12, static_cast<uint64_t>(left) + 100)};
    batch.labels.assign(5, 1);
    return true;
  });
  EXPECT_TRUE(report.quantized);
  EXPECT_EQ(report.contestants[0].rows, 23);
  EXPECT_TRUE(report.reference_metric.has_value());
  // The same graph read back runs the same kernels.
  EXPECT_EQ(report.contestants[1].max_abs_error, report.contestants[2].max_abs_error);
  EXPECT_EQ(report.contestants[1].max_abs_error, report.contestants[3].max_abs_error);
}

TEST(Verify, wrong_outputs_mark_the_artifact_unverified) {
  const Folder folder;
  FrozenModel model = with_golden(test::float_model(zoo("lenet5")), 2, 1, 28);
  write_artifact(model, folder.path());
  Tensor shifted = model.golden[1].outputs[0].clone();
  shifted.mutable_data<float>()[3] += 1.0f;
  model.golden[1].outputs[0] = shifted;
  EXPECT_THROW(verify_artifact(model, folder.path()), VerifyError);
  const Manifest manifest = load_manifest(folder.path());
  EXPECT_EQ(manifest.status, "unverified");
  EXPECT_FALSE(manifest.verification["passed"].get<bool>());
  EXPECT_FALSE(manifest_to_json(manifest)["verified"].get<bool>());
}

TEST(Verify, a_file_that_changed_after_export_fails) {
  const Folder folder;
  const FrozenModel model = with_golden(test::float_model(zoo("mlp")), 1, 1, 28);
  write_artifact(model, folder.path());
  std::string bytes = read_file(folder.path() + "/model.onnx");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file_atomic(folder.path() + "/model.onnx", std::string_view(bytes));
  EXPECT_THROW(verify_artifact(model, folder.path()), VerifyError);
  EXPECT_EQ(load_manifest(folder.path()).status, "unverified");
}

TEST(Verify, needs_something_to_compare) {
  EXPECT_THROW(verify_outputs(test::float_model(zoo("mlp")), ""), ModelError);
}

TEST(Comparison, figures_and_limits) {
  Comparison c;
  c.add({Tensor::of<float>({0, 10, 4, 2}, {2, 2})}, {Tensor::of<float>({0, 10, 2.9f, 3}, {2, 2})});
  c.add_metric(1.0, 2);
  const VerifyRow loose = c.finish("x", false, {.max_relative_error = 0.2}, 1.0);
  EXPECT_NEAR(loose.max_abs_error, 1.1, 1e-6);   // float inputs
  EXPECT_NEAR(loose.relative_error, 0.11, 1e-6);
  EXPECT_NEAR(loose.snr_db, 10 * std::log10(120.0 / 2.21), 1e-4);
  EXPECT_EQ(loose.top1_agreement, 0.5);
  EXPECT_TRUE(loose.passed);
  EXPECT_FALSE(c.finish("x", true, {}, 1.0).passed);
  EXPECT_FALSE(c.finish("x", false, {.max_relative_error = 1, .max_metric_drop = 0.4}, 1.0).passed);
  EXPECT_TRUE(c.finish("x", false, {.max_relative_error = 1, .max_metric_drop = 0.5}, 1.0).passed);
}

TEST(Comparison, nan_never_passes_and_shapes_must_fit) {
  Comparison c;
  c.add({Tensor::of<float>({1, 2}, {1, 2})}, {Tensor::of<float>({NAN, 2}, {1, 2})});
  EXPECT_FALSE(c.finish("x", false, {.max_relative_error = 1e9}, {}).passed);
  EXPECT_FALSE(c.finish("x", true, {.min_snr_db = -100, .min_top1_agreement = 0}, {}).passed);
  EXPECT_THROW(c.add({Tensor(DType::kF32, {1, 2})}, {Tensor(DType::kF32, {2, 1})}), ModelError);
}

TEST(Report, changes_of_a_cost_are_words) {
  EXPECT_EQ(change_text(400, 100, false), "4.00x smaller");
  EXPECT_EQ(change_text(100, 120, false), "1.20x larger");
  EXPECT_EQ(change_text(1.0, 1.2, true), "1.20x slower");
  EXPECT_EQ(change_text(1.2, 1.0, true), "1.20x faster");
  EXPECT_EQ(change_text(1000, 1001, false), "same");
  EXPECT_EQ(change_text(0, 3, false), "");
}

TEST(Report, is_one_escaped_page_without_scripts) {
  const FrozenModel before = test::float_model(zoo("lenet5"));
  const FrozenModel after = test::qdq_model();
  const Json layers = layer_table(before, after);
  const Json report = {{"name", "<b>\"x\" & y</b>"}, {"before", {{"top1", 0.9}, {"bytes", 1000}}},
                       {"after", {{"top1", 0.89}, {"bytes", 250}}}, {"layers", layers},
                       {"verification", {{"passed", true}, {"contestants", Json::array()}}}};
  const std::string html = report_html(report);
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos);
  EXPECT_NE(html.find("&lt;b&gt;&quot;x&quot; &amp; y"), std::string::npos);
  EXPECT_NE(html.find("-1.00 points"), std::string::npos);
  EXPECT_NE(html.find("4.00x smaller"), std::string::npos);
  EXPECT_NE(html.find("<svg"), std::string::npos);
  bool found = false;
  for (const auto& layer : layers)
    if (layer["name"] == "fc") found = layer["after"]["bytes"].get<int64_t>() >= 320;
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace pare
