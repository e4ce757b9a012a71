#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "core/graph/graph.h"

/// A PyTorch program as a list of ATen calls: what the doors for torch.export archives and TorchScript make, and what
/// one lowering table turns into a graph.
namespace pare::aten {

/// A tensor or a symbolic integer of the program.
struct Name {
  std::string text;
};

/// An argument; nothing stands for None, a DType for torch.dtype.
struct Arg {
  std::variant<std::monostate, bool, int64_t, double, std::string, Name, DType, std::vector<Arg>> of;
  template <class T>
  const T* as() const {
    return std::get_if<T>(&of);
  }
};

/// One call, e.g. op "conv2d", overload "default". Arguments carry the names of the operator's schema; those at their
/// defaults may be absent. A list of results counts as that many outputs.
struct Call {
  std::string op, overload;
  std::string name;  ///< unique in the program
  std::string path;  ///< module that calls it, e.g. "layer1.0.conv1"; empty: the model itself
  std::string place;  ///< file, line and text of the source, for messages; may be empty
  std::map<std::string, Arg> args;
  std::vector<std::string> outputs;
};

struct Input {
  std::string name;  ///< in the program and in the graph
  DType dtype = DType::kF32;
  DimShape shape;
};

/// A parameter, buffer or lifted constant.
struct Constant {
  std::string key;  ///< its name in the state dict
  Tensor tensor;
  Role role = Role::kParameter;
};

struct Program {
  std::vector<Input> inputs;
  std::map<std::string, Constant> constants;  ///< by their name in the program
  std::vector<Call> calls;
  std::vector<std::string> outputs;
};

}  // namespace pare::aten
