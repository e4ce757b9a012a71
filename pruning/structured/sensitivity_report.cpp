#include <algorithm>
#include <cstdio>

#include "export/html.h"
#include "pruning/structured/sensitivity.h"

namespace pare {
namespace {

constexpr double kSmallDrop = 0.01;

std::string percent(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, 100.0 * value);
  return text;
}

Json point_json(const SensitivityPoint& p) {
  return {{"share", p.share}, {"units_removed", p.units_removed}, {"params", p.params},
          {"macs", p.macs},   {"top1", p.top1},                   {"loss", p.loss}};
}

SensitivityPoint point_from(const Json& json) {
  return {json.at("share"), json.at("units_removed"), json.at("params"),
          json.at("macs"),  json.at("top1"),          json.at("loss")};
}

}  // namespace

Json to_json(const Sensitivity& all) {
  Json groups = Json::array();
  for (const SensitivityCurve& curve : all.curves) {
    Json points = Json::array();
    for (const SensitivityPoint& point : curve.points) points.push_back(point_json(point));
    groups.push_back({{"name", curve.group},
                      {"units", curve.units},
                      {"layers", curve.layers},
                      {"share_within_1_point", share_within(all, curve, kSmallDrop)},
                      {"points", std::move(points)}});
  }
  return {{"images", all.images}, {"top1", all.top1}, {"loss", all.loss}, {"groups", std::move(groups)}};
}

Sensitivity sensitivity_from(const Json& json) {
  try {
    Sensitivity out{json.at("images"), json.at("top1"), json.at("loss"), {}};
    for (const Json& group : json.at("groups")) {
      SensitivityCurve curve{group.at("name"), group.at("units"), group.at("layers"), {}};
      for (const Json& point : group.at("points")) curve.points.push_back(point_from(point));
      out.curves.push_back(std::move(curve));
    }
    return out;
  } catch (const Json::exception& error) {
    throw ModelError(fmt("[sensitivity] expected a result of `pare sensitivity`: {}", error.what()));
  }
}

std::string sensitivity_html(const std::string& title, const Sensitivity& all) {
  std::vector<CurvePanel> panels;
  std::vector<std::vector<std::string>> rows = {
      {"group", "units", "removed within 1 point", "MACs of the model then", "top-1 with half of them removed"}};
  for (const SensitivityCurve& curve : all.curves) {
    CurvePanel panel{curve.group, {{0.0, all.top1}}};
    const double within = share_within(all, curve, kSmallDrop);
    double macs = 1.0;
    const SensitivityPoint* half = nullptr;
    for (const SensitivityPoint& point : curve.points) {
      panel.points.emplace_back(point.share, point.top1);
      if (point.share <= within) macs = point.macs;
      if (point.share <= 0.5) half = &point;
    }
    rows.push_back({curve.group, fmt("{}", curve.units), percent(within, 0) + " %", percent(macs, 1) + " %",
                    half ? percent(half->top1, 2) + " %" : ""});
    panels.push_back(std::move(panel));
  }
  std::string body = "<p>Top-1 accuracy on " + with_commas(all.images) +
                     " held-out images when a share of one group's units is removed, without training. The whole model: " +
                     percent(all.top1, 2) + " % (dashed).</p>\n";
  return html_page(title, body + html_curves(panels, all.top1) + html_table(rows));
}

}  // namespace pare
