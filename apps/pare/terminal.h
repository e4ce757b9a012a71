#pragma once

#include <cstdint>
#include <string>

namespace pare {

/// Sets the program's log up: messages go to the error stream, level is one of trace, debug, info, warning, error, off.
/// Throws ConfigError on another word.
void set_up_log(const std::string& level);

/// Prints progress with the time left: one line that rewrites itself on a terminal, a plain line every few seconds in a
/// log. Both on the error stream, so that standard output holds results alone.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  void line(const std::string& text);
  void progress(int64_t done, int64_t total, const std::string& status);

 private:
  void clear();
  bool is_terminal_ = false;
  bool drawn_ = false;
  int64_t last_done_ = -1, last_total_ = -1, first_done_ = 0;
  double started_ = 0, last_print_ = 0;
};

/// "1:05", "2:03:04".
std::string clock_text(double seconds);

}  // namespace pare
