#include "core/base/dtype.h"

#include <array>

namespace pare {
namespace {

struct Row {
  DType dtype;
  const char* name;
  int64_t bytes;
  bool floating;
};

constexpr std::array<Row, 13> kRows = {{{DType::kF32, "F32", 4, true},
                                        {DType::kF64, "F64", 8, true},
                                        {DType::kF16, "F16", 2, true},
                                        {DType::kBF16, "BF16", 2, true},
                                        {DType::kI8, "I8", 1, false},
                                        {DType::kU8, "U8", 1, false},
                                        {DType::kI16, "I16", 2, false},
                                        {DType::kU16, "U16", 2, false},
                                        {DType::kI32, "I32", 4, false},
                                        {DType::kU32, "U32", 4, false},
                                        {DType::kI64, "I64", 8, false},
                                        {DType::kU64, "U64", 8, false},
                                        {DType::kBool, "BOOL", 1, false}}};

const Row& row_of(DType dtype) { return kRows[static_cast<size_t>(dtype)]; }

}  // namespace

int64_t size_of(DType dtype) { return row_of(dtype).bytes; }
const char* name_of(DType dtype) { return row_of(dtype).name; }
bool is_float(DType dtype) { return row_of(dtype).floating; }

bool parse_dtype(std::string_view name, DType& out) {
  for (const Row& row : kRows) {
    if (name == row.name) {
      out = row.dtype;
      return true;
    }
  }
  return false;
}

}  // namespace pare
