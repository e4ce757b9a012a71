#pragma once

#include <string>

#include "core/data/dataset.h"

namespace pare {

/// The binary form of CIFAR-10 (data_batch_1..5.bin, test_batch.bin, batches.meta.txt) or CIFAR-100 (train.bin,
/// test.bin, fine_label_names.txt; fine labels) in `folder`, split train or test. Examples are kU8 [32,32,3].
/// Throws DataError naming a file that is missing, truncated or holds a label out of range.
DatasetPtr cifar_dataset(const std::string& folder, const std::string& split);

}  // namespace pare
