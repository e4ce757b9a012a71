#pragma once

#include "core/job/job.h"
#include "core/job/journal.h"

namespace pare {

/// The end of a run, a journaled step of its own: reads the test split once, measures the input model and the written
/// model.pare of the last export, writes report.json and report.html, and checks the recipe's limit on the metric.
/// Throws VerifyError beyond it, after the report is written and the artifact is marked unverified.
Json report_step(Job& job, Journal& journal, size_t index, const std::string& key);

}  // namespace pare
