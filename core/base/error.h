#pragma once

#include <stdexcept>
#include <string>

#include "core/base/text.h"

namespace pare {

/// Base of everything pare throws. The text reads `[where] expected X, got Y (context). Hint`.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  /// Stable class name, e.g. "ConfigError": programs read it from `--json` output.
  virtual const char* kind() const noexcept = 0;
  /// Exit status of the command line programs for this class.
  virtual int exit_code() const noexcept = 0;
};

#define PARE_DEFINE_ERROR(Name, code)                         \
  class Name : public Error {                                 \
   public:                                                    \
    using Error::Error;                                       \
    const char* kind() const noexcept override { return #Name; } \
    int exit_code() const noexcept override { return code; }  \
  };

PARE_DEFINE_ERROR(ConfigError, 2)    ///< the recipe, an option or an argument of the API is wrong
PARE_DEFINE_ERROR(ModelError, 3)     ///< the model cannot be used for what was asked
PARE_DEFINE_ERROR(DataError, 4)      ///< a data set is missing, corrupt or does not fit the model
PARE_DEFINE_ERROR(IoError, 5)        ///< a file cannot be read or written
PARE_DEFINE_ERROR(VerifyError, 6)    ///< an artifact's outputs differ from the model's beyond the limits
PARE_DEFINE_ERROR(InternalError, 7)  ///< a bug in pare
#undef PARE_DEFINE_ERROR

}  // namespace pare

/// Throws `Type` with the formatted text unless `condition` holds.
#define PARE_CHECK(condition, Type, ...)                  \
  do {                                                    \
    if (!(condition)) throw ::pare::Type(::pare::fmt(__VA_ARGS__)); \
  } while (0)
