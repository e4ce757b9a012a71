#pragma once

#include "core/format/frozen.h"

namespace pare {

/// Adds the samples as "<prefix><i>/input/<k>" and "<prefix><i>/output/<k>".
void put_golden(std::map<std::string, Tensor>& tensors, const std::string& prefix, const std::vector<GoldenSample>& samples);
/// Removes such tensors and returns the samples; throws ModelError when one is missing in between.
std::vector<GoldenSample> take_golden(std::map<std::string, Tensor>& tensors, const std::string& prefix,
                                      const std::string& where);

}  // namespace pare
