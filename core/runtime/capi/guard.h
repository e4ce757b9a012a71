#pragma once
// What every function of the C interface does alike: no exception leaves, structs of other versions are read and filled.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#include "core/base/error.h"
#include "core/runtime/capi/pare_runtime.h"

namespace pare::capi {

/// Writes status and text without allocating, as much as the caller's struct holds. Returns `status`.
pare_status report(pare_error* error, pare_status status, const char* text) noexcept;

/// Runs `body` and turns what it throws into a status.
template <class Body>
pare_status guarded(pare_error* error, Body&& body) noexcept {
  try {
    body();
    return PARE_OK;
  } catch (const Error& e) {
    return report(error, e.exit_code(), e.what());
  } catch (const std::bad_alloc&) {
    return report(error, PARE_ERROR_MEMORY, "[runtime] the memory does not suffice");
  } catch (const std::exception& e) {
    return report(error, PARE_ERROR_INTERNAL, e.what());
  } catch (...) {
    return report(error, PARE_ERROR_INTERNAL, "[runtime] expected an error of a known type, got another");
  }
}

/// A caller's struct as this library knows it: what is missing is zero. Throws ConfigError when the caller sets something
/// that this library does not know.
template <class T>
T read_struct(const T* given) {
  T out{};
  if (!given) return out;
  const size_t size = given->struct_size;
  PARE_CHECK(size >= sizeof(given->struct_size), ConfigError, "[runtime] expected struct_size to be set, got {}", size);
  const auto* bytes = reinterpret_cast<const std::byte*>(given);
  for (size_t i = sizeof(T); i < size; ++i) {
    PARE_CHECK(bytes[i] == std::byte{0}, ConfigError, "[runtime] the program sets an option that this library of ABI version {} "
               "does not know. Install a newer library", PARE_ABI_VERSION);
  }
  std::memcpy(&out, given, std::min(size, sizeof(T)));
  return out;
}

/// Fills as much of the caller's struct as it holds.
template <class T>
void fill_struct(T* target, T value) {
  PARE_CHECK(target, ConfigError, "[runtime] expected a struct to fill, got NULL");
  const size_t size = target->struct_size;
  PARE_CHECK(size >= sizeof(target->struct_size), ConfigError, "[runtime] expected struct_size to be set, got {}", size);
  value.struct_size = target->struct_size;
  std::memcpy(target, &value, std::min(size, sizeof(T)));
}

}  // namespace pare::capi
