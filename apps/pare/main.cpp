#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdio>
#include <new>
#include <unistd.h>

#include "apps/pare/command.h"
#include "apps/pare/terminal.h"
#include "core/base/error.h"
#include "core/job/version.h"
#include "core/train/allocator.h"

namespace {

constexpr int kInterrupted = 130;
constexpr int kUnexpected = 7;  // as InternalError

/// Every file is written whole or not at all, so that stopping at once loses nothing.
void interrupted(int) {
  constexpr char kText[] = "\nInterrupted. The same command continues where this one stopped.\n";
  if (::write(STDERR_FILENO, kText, sizeof kText - 1) < 0) ::_exit(kInterrupted);
  ::_exit(kInterrupted);
}

/// One line, whatever a file's content put into the message.
std::string one_line(std::string text) {
  constexpr size_t kMost = 2000;
  if (text.size() > kMost) text = text.substr(0, kMost) + "...";
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 127) c = ' ';
  return text;
}

int report_error(const pare::CommonOptions& common, const char* kind, const std::string& message, int code) {
  std::fprintf(stderr, "pare: error: %s\n", one_line(message).c_str());
  if (common.json) pare::print_json({{"error", {{"kind", kind}, {"message", message}, {"exit_code", code}}}});
  return code;
}

void add_common(CLI::App& program, pare::CommonOptions& common) {
  program.add_option("--log-level", common.log_level, "trace, debug, info, warning, error or off")->capture_default_str();
  program.add_option("--device", common.device, "cpu, cuda or cuda:N")->capture_default_str();
  program.add_option("--threads", common.threads, "0: as many as the machine has cores")->check(CLI::Range(0, 1024));
  program.add_flag("--json", common.json, "results as one JSON document on standard output");
}

int run_program(int argc, char** argv) {
  CLI::App program("pare: prune, quantize, distil and verify models", "pare");
  program.set_version_flag("--version", std::string("pare ") + pare::kVersion);
  program.footer(
      "Exit status: 0 done, 2 wrong recipe or option, 3 model, 4 data, 5 file, 6 artifact fails its checks,\n"
      "7 a bug in pare, 130 interrupted. `pare VERB --help` explains a verb.");
  program.require_subcommand(1);
  program.fallthrough();  // common options may stand behind the verb
  pare::CommonOptions common;
  add_common(program, common);
  pare::Command command;
  for (const auto add : {pare::add_run, pare::add_plan, pare::add_eval, pare::add_sensitivity, pare::add_import, pare::add_inspect,
                         pare::add_export, pare::add_verify, pare::add_bench, pare::add_methods})
    add(program, common, command);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return program.exit(e);  // --help, --version
    return report_error(common, "ConfigError", std::string(e.what()) + " (pare --help)", 2);
  }
  try {
    pare::set_up_log(common.log_level);
    pare::keep_freed_memory();
    return command();
  } catch (const pare::Error& e) {
    return report_error(common, e.kind(), e.what(), e.exit_code());
  } catch (const std::bad_alloc&) {
    return report_error(common, "InternalError", "out of memory", kUnexpected);
  } catch (const std::exception& e) {
    return report_error(common, "InternalError", e.what(), kUnexpected);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, interrupted);
  std::signal(SIGTERM, interrupted);
  return run_program(argc, argv);
}
