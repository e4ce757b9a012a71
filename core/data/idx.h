#pragma once

#include <string>

#include "core/data/dataset.h"

namespace pare {

/// Reads an IDX file of unsigned bytes, plain or .gz: kU8 with the stored shape.
/// Throws DataError when the header and the file's length disagree.
Tensor read_idx(const std::string& path);

/// MNIST's layout: `train-images-idx3-ubyte` and `train-labels-idx1-ubyte` (t10k- for split test), each plain or .gz,
/// in `folder`. Examples are kU8 [H,W,1].
DatasetPtr idx_dataset(const std::string& folder, const std::string& split);

}  // namespace pare
