#pragma once

#include <protozero/pbf_reader.hpp>

#include "core/import/onnx_model.h"

namespace pare::onnx {

/// Where a message comes from: what keeps its bytes alive, and the name for errors.
struct Source {
  std::shared_ptr<const void> owner;
  std::string where;
};

/// Decodes a TensorProto; returns its name and content.
std::pair<std::string, Tensor> parse_tensor(protozero::pbf_reader message, const Source& source);

/// Appends a varint field that may be packed.
void read_ints(protozero::pbf_reader& message, std::vector<int64_t>& out);
/// Appends a float field that may be packed.
void read_floats(protozero::pbf_reader& message, std::vector<double>& out);
/// Throws ModelError unless the current field has the wire type.
void expect_wire(const protozero::pbf_reader& message, protozero::pbf_wire_type type, const Source& source);

}  // namespace pare::onnx
