// Preloaded into the program under test: kills it right before its n-th call of fsync or rename (PARE_KILL_AT=n),
// or counts them (PARE_COUNT_FILE=path, written at exit). What is on disk then is what a power-off at that moment
// leaves, up to the order in which the system writes pages back.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>

namespace {

std::atomic<long> calls{0};

void count_call() {
  const long now = ++calls;
  const char* at = ::getenv("PARE_KILL_AT");
  if (at && now == ::atol(at)) ::raise(SIGKILL);
}

struct CountWriter {
  ~CountWriter() {
    const char* path = ::getenv("PARE_COUNT_FILE");
    if (!path) return;
    FILE* file = ::fopen(path, "w");
    if (!file) return;
    ::fprintf(file, "%ld", calls.load());
    ::fclose(file);
  }
} writer;

}  // namespace

extern "C" int fsync(int fd) {
  static const auto real = reinterpret_cast<int (*)(int)>(::dlsym(RTLD_NEXT, "fsync"));
  count_call();
  return real(fd);
}

extern "C" int rename(const char* from, const char* to) noexcept {
  static const auto real = reinterpret_cast<int (*)(const char*, const char*)>(::dlsym(RTLD_NEXT, "rename"));
  count_call();
  return real(from, to);
}
