#include "apps/pare/terminal.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "core/base/error.h"

namespace pare {
namespace {

constexpr double kTerminalEvery = 0.1, kLogEvery = 10.0;  // seconds between two prints

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

void set_up_log(const std::string& level) {
  const auto parsed = spdlog::level::from_str(level);
  PARE_CHECK(parsed != spdlog::level::off || level == "off", ConfigError,
             "[log] expected --log-level trace, debug, info, warning, error or off, got \"{}\"", level);
  auto logger = std::make_shared<spdlog::logger>("pare", std::make_shared<spdlog::sinks::stderr_sink_st>());
  logger->set_pattern("%H:%M:%S %v");
  logger->set_level(parsed);
  spdlog::set_default_logger(std::move(logger));
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  char text[32];
  if (whole >= 3600) std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  else std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  return text;
}

Terminal::Terminal() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}
Terminal::~Terminal() { clear(); }

void Terminal::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void Terminal::line(const std::string& text) {
  clear();
  spdlog::info("{}", text);
}

void Terminal::progress(int64_t done, int64_t total, const std::string& status) {
  if (spdlog::default_logger_raw()->level() > spdlog::level::info) return;
  const double time = now();
  if (total != last_total_ || done < last_done_ || last_done_ < 0) {
    started_ = time;
    first_done_ = done;
    last_print_ = is_terminal_ ? 0 : time;
  }
  last_done_ = done;
  last_total_ = total;
  if (time - last_print_ < (is_terminal_ ? kTerminalEvery : kLogEvery)) return;
  last_print_ = time;
  const double share = total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0;
  std::string text = fmt("{}/{} ({}%)", done, total, static_cast<int>(100 * share));
  if (done > first_done_) {
    const double rate = (time - started_) / static_cast<double>(done - first_done_);
    text += fmt("  {} left", clock_text(rate * static_cast<double>(total - done)));
  }
  if (!status.empty()) text += "  " + status;
  if (!is_terminal_) return spdlog::info("{}", text);
  clear();
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace pare
