#pragma once

#include "apps/pare/command.h"
#include "apps/pare/terminal.h"
#include "core/job/open_job.h"

namespace pare {

/// Device, threads and reporting as the common options say; `terminal` must outlive the job.
inline JobOptions job_options(const CommonOptions& common, Terminal& terminal) {
  JobOptions out;
  out.device = common.device;
  out.threads = common.thread_count();
  out.sink.line = [&terminal](const std::string& text) { terminal.line(text); };
  out.sink.progress = [&terminal](int64_t done, int64_t total, const std::string& status) { terminal.progress(done, total, status); };
  return out;
}

}  // namespace pare
