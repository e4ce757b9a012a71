#include "core/runtime/capi/guard.h"

namespace pare::capi {

pare_status report(pare_error* error, pare_status status, const char* text) noexcept {
  constexpr size_t kStart = offsetof(pare_error, message);
  if (!error || error->struct_size <= kStart) return status;
  error->status = status;
  const size_t room = std::min<size_t>(error->struct_size, sizeof(pare_error)) - kStart - 1;
  size_t length = std::strlen(text);
  if (length > room) {
    length = room;
    // Not in the middle of a character.
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  }
  std::memcpy(error->message, text, length);
  error->message[length] = '\0';
  return status;
}

}  // namespace pare::capi
