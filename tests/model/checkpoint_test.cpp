#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/file.h"
#include "core/format/safetensors.h"
#include "core/model/checkpoint.h"
#include "core/zoo/zoo.h"
#include "tests/model/helpers.h"

namespace pare::testing {
namespace {

Model sample_model() {
  const GraphWithConstants parts = zoo("lenet5", {.seed = 2});
  Model model(parts.graph, parts.constants);
  const Param& p = model.params().at(0);
  model.add_link(p.name,
                 std::make_shared<Mask>(random(p.raw.sizes().vec(), 3).gt(0), Encoding{.layout = Layout::kBitmask}));
  const int64_t rows = p.raw.size(0);
  model.add_link(p.name, std::make_shared<AffineQuant>(random({rows}, 4).abs() + 0.01, at::zeros({rows}, at::kInt),
                                                       Encoding{.codec = Codec::kAffine, .axis = 0}));
  return model;
}

at::Tensor sample_input(const Model& model) {
  Shape shape = evaluate(*model.graph().value(model.graph().inputs()[0]).shape, {{"N", 2}});
  return random(shape, 8);
}

class Checkpoints : public ::testing::Test {
 protected:
  std::string path_ = scratch_folder("checkpoint") + "/model.ckpt";
};

TEST_F(Checkpoints, RoundTripWithChainsAndExtras) {
  Model model = sample_model();
  CheckpointExtras extras;
  extras.tensors["optimizer/conv1.weight/momentum"] = random({3, 4}, 5);
  extras.tensors["loader/order"] = at::tensor(std::vector<int64_t>{3, 1, 2}, at::kLong);
  extras.json = {{"epoch", 3}, {"seed", 17}};
  save_checkpoint(path_, model, extras);
  EXPECT_TRUE(is_checkpoint(path_));

  Checkpoint read = load_checkpoint(path_);
  EXPECT_TRUE(same_bits(read.model.forward({sample_input(model)})[0], model.forward({sample_input(model)})[0]));
  EXPECT_EQ(read.model.params().at(0).chain.size(), 2u);
  for (size_t i = 0; i < model.params().size(); ++i) {
    EXPECT_EQ(read.model.params()[i].name, model.params()[i].name);
    EXPECT_EQ(read.model.params()[i].raw.requires_grad(), model.params()[i].raw.requires_grad());
    EXPECT_TRUE(same_bits(read.model.params()[i].raw, model.params()[i].raw));
  }
  ASSERT_EQ(read.extras.tensors.size(), 2u);
  for (const auto& [name, tensor] : extras.tensors)
    EXPECT_TRUE(same_bits(tensor, read.extras.tensors.at(name))) << name;
  EXPECT_EQ(read.extras.json, extras.json);

  const std::string first = read_file(path_);
  save_checkpoint(path_, read.model, read.extras);
  EXPECT_EQ(first, read_file(path_)) << "a second save gave other bytes";
}

TEST_F(Checkpoints, UnknownLinksAndForeignFilesAreErrors) {
  save_checkpoint(path_, sample_model());
  EXPECT_THROW(load_checkpoint(path_, builtin_ops(), builtin_torch_ops(), {}), ModelError);
  EXPECT_FALSE(is_checkpoint("examples/data/resnet20_cifar10.safetensors"));
  EXPECT_THROW(load_checkpoint("examples/data/resnet20_cifar10.safetensors"), ModelError);
  EXPECT_THROW(load_checkpoint(path_ + ".absent"), IoError);
}

TEST_F(Checkpoints, DamagedFilesAreErrors) {
  save_checkpoint(path_, sample_model());
  const std::string good = read_file(path_);
  Rng rng(11);
  int refused = 0;
  for (int round = 0; round < 200; ++round) {
    std::string bad = good;
    if (round % 4 == 0) bad.resize(rng.below(bad.size()));
    // The header is where structure lives; most of the file is payload.
    else bad[8 + rng.below(12000)] = static_cast<char>(rng.below(256));
    std::ofstream(path_, std::ios::binary) << bad;
    try {
      load_checkpoint(path_);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GE(refused, 50);
}

TEST_F(Checkpoints, UnwritablePlacesAreIoErrors) {
  EXPECT_THROW(save_checkpoint(path_ + "/below/a/file", sample_model()), IoError);
}

}  // namespace
}  // namespace pare::testing
