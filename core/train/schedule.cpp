#include "core/train/schedule.h"

#include <algorithm>
#include <cmath>

namespace pare {
namespace {

constexpr double kPi = 3.14159265358979323846;

/// From `start` to `end` along half a cosine.
double anneal(double start, double end, double part) { return end + (start - end) / 2.0 * (1.0 + std::cos(kPi * part)); }

struct Factor {
  double done;   // part of the schedule's span, [0, 1)
  int64_t step, total, steps_per_epoch;

  double operator()(const ConstantSchedule&) const { return 1.0; }
  double operator()(const CosineSchedule& s) const { return anneal(1.0, s.end, done); }
  double operator()(const StepSchedule& s) const {
    const int64_t epoch = step / std::max<int64_t>(steps_per_epoch, 1);
    const auto reached = std::count_if(s.milestones.begin(), s.milestones.end(), [&](int64_t m) { return epoch >= m; });
    return std::pow(s.gamma, static_cast<double>(reached));
  }
  double operator()(const OneCycleSchedule& s) const {
    const double first = 1.0 / s.div, last = first / s.final_div;
    const double peak = s.rise * static_cast<double>(total) - 1.0, end = static_cast<double>(total) - 1.0;
    const auto t = static_cast<double>(step);
    if (t <= peak) return anneal(first, 1.0, peak > 0 ? t / peak : 1.0);
    return anneal(1.0, last, end > peak ? (t - peak) / (end - peak) : 1.0);
  }
};

}  // namespace

double learning_rate(const ScheduleConfig& schedule, double base, int64_t step, int64_t total_steps, int64_t steps_per_epoch,
                     int64_t warmup_steps) {
  if (step < warmup_steps) return base * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  const auto span = static_cast<double>(std::max<int64_t>(total_steps - warmup_steps, 1));
  const Factor factor{static_cast<double>(step - warmup_steps) / span, step, total_steps, steps_per_epoch};
  return base * std::visit(factor, schedule);
}

}  // namespace pare
