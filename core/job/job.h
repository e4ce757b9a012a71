#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/format/frozen.h"
#include "core/model/model.h"
#include "core/train/communicator.h"

namespace pare {

/// Where libraries report: the command line tool prints, a program may log. Called on the job's thread.
struct ReportSink {
  std::function<void(const std::string& line)> line = [](const std::string&) {};
  /// Progress of the running stage: done of total steps, and a short status text.
  std::function<void(int64_t done, int64_t total, const std::string& status)> progress = [](int64_t, int64_t, const std::string&) {};
};

class Registry;

/// What a run holds: model, data, device, communicator, seed, folder. Stages get it and change it.
class Job {
 public:
  std::unique_ptr<Model> model;
  std::shared_ptr<Model> input_model;      ///< as loaded, frozen in time: teacher "input", loss match_input
  DatasetPtr train_data;                   ///< augmented and normalised; held-out images removed
  DatasetPtr plain_train_data;             ///< the same images, normalised only
  DatasetPtr holdout_data;                 ///< from the training images: observers, early stopping, choices
  DatasetPtr eval_data;                    ///< the test split: read once, at the end
  Preprocess preprocess;
  std::vector<std::string> labels;
  std::string target = "ort";              ///< ort | trt | ncnn | pare
  uint64_t seed = 0;
  std::string stage_key;                   ///< of the running stage; forks the random streams
  int threads = 1;
  std::string folder;                      ///< of the run; "" when nothing is written
  std::string stage_folder;                ///< of the running stage inside it, for checkpoints; "" when nothing is written
  std::string journal_key;                 ///< of the running stage: what its files were made from
  std::vector<std::string> stage_files;    ///< the running stage adds what it left in `folder`, relative to it
  std::string input_key;                   ///< of the input model's content
  const Registry* registry = nullptr;      ///< what `with:` lists and the like may name; outlives the job
  std::unique_ptr<Communicator> communicator;
  ReportSink sink;
  Json resolved_recipe = Json::object();
  Json results = Json::object();           ///< stages add what the report shows
  /// Resolves a path of the recipe against the recipe's folder.
  std::function<std::string(const std::string&)> resolve_path = [](const std::string& p) { return p; };
  /// Loads another model (.pare, .onnx, .pt2 or checkpoint; the path is resolved already), e.g. a teacher.
  std::function<std::shared_ptr<Model>(const std::string& path)> load_model;
  /// Stream for a purpose of the running stage.
  Rng rng(const std::string& purpose) const { return Rng(seed).fork(stage_key).fork(purpose); }
};

}  // namespace pare
