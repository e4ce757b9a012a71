#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "core/base/tensor.h"
#include "core/import/pickle.h"
#include "core/import/zip_archive.h"

namespace pare {

/// The tensors of a PyTorch `.pth`/`.pt` file as torch.save (1.6 and later) writes it, by name. A training checkpoint
/// is unwrapped ("state_dict", "model_state_dict", "model"); "module." in front of all names is removed. Contiguous
/// tensors are lent from `owner`, others copied. No code is executed: a file that needs more than tensors and
/// containers is refused. Throws ModelError naming `where`.
std::map<std::string, Tensor> parse_state_dict(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                               const std::string& where);

/// Makes the tensors of pickled views from the storages of an archive.
class StorageReader {
 public:
  /// Storages are the entries "<prefix><key>".
  StorageReader(const ZipEntries& entries, std::string prefix, std::shared_ptr<const void> owner, std::string where);
  /// Throws ModelError naming `name`: a view that leaves its storage, or a storage of another length.
  Tensor read(const std::string& name, const pickle::View& view);

 private:
  const ZipEntries& entries_;
  std::string prefix_;
  std::shared_ptr<const void> owner_;
  std::string where_;
  uint64_t budget_ = 0;  // bytes that may still be copied
};

}  // namespace pare
