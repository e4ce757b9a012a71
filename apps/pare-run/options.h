#pragma once

#include <string>
#include <vector>

namespace pare {

/// What the command line asks for.
struct RunOptions {
  std::string model;
  std::string image;         ///< JPEG or PNG, prepared as the model's file says
  std::string input;         ///< .npy, or .safetensors with one tensor an input
  std::string save;          ///< outputs as .safetensors
  bool golden = false;       ///< compare with golden samples
  std::string golden_file;   ///< empty: those inside the model's file
  std::string device = "cpu";
  int repeat = 1, warmup = 0, threads = 1, top = 5;
  bool kernels = false, json = false, help = false;
};

/// Throws ConfigError naming the argument and the nearest known ones.
RunOptions parse_options(const std::vector<std::string>& args);
std::string usage();

}  // namespace pare
