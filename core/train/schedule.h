#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "core/base/config.h"

namespace pare {

/// lr(t) = base * (end + (1 - end) * (1 + cos(pi t / T)) / 2) (SGDR without restarts, 1608.03983).
struct CosineSchedule {
  static constexpr const char* kName = "cosine";
  double end = 0.0;
  template <class V> void fields(V& v) { v("end", end, between(0, 1), "last learning rate as a part of the peak"); }
};
/// lr(t) = base * gamma^(number of milestones reached).
struct StepSchedule {
  static constexpr const char* kName = "step";
  std::vector<int64_t> milestones;
  double gamma = 0.1;
  template <class V> void fields(V& v) {
    v("milestones", milestones, at_least(1), "epochs after which the learning rate drops");
    v("gamma", gamma, greater_than(0), "factor of each drop");
  }
};
/// Up from base / div to base over `rise` of the steps, then down to base / div / final_div, both by a cosine
/// (1708.07120; the formula of torch.optim's OneCycleLR). Has its own warm-up.
struct OneCycleSchedule {
  static constexpr const char* kName = "one_cycle";
  double rise = 0.3, div = 25.0, final_div = 1e4;
  template <class V> void fields(V& v) {
    v("rise", rise, between(0, 1), "part of the steps that climb");
    v("div", div, at_least(1), "peak over first learning rate");
    v("final_div", final_div, at_least(1), "first over last learning rate");
  }
};
struct ConstantSchedule {
  static constexpr const char* kName = "constant";
  template <class V> void fields(V&) {}
};
using ScheduleConfig = std::variant<ConstantSchedule, CosineSchedule, StepSchedule, OneCycleSchedule>;

/// Learning rate of `step` (from 0) of `total_steps`. The first `warmup_steps` climb linearly,
/// lr = base * (step + 1) / warmup_steps, and the schedule spans the rest (milestones count from the very start).
double learning_rate(const ScheduleConfig& schedule, double base, int64_t step, int64_t total_steps, int64_t steps_per_epoch,
                     int64_t warmup_steps);

}  // namespace pare
