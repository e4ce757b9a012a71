#include <cstdio>

#include "core/base/text.h"
#include "export/html.h"
#include "export/report.h"

namespace pare {
namespace {

struct Figure {
  const char* key;
  const char* title;
  enum Kind { kPercent, kCount, kBytes, kMilliseconds } kind;
};

constexpr Figure kFigures[] = {{"top1", "top-1", Figure::kPercent},
                               {"top5", "top-5", Figure::kPercent},
                               {"params", "parameters", Figure::kCount},
                               {"bytes", "file, stripped", Figure::kBytes},
                               {"macs", "MACs an input", Figure::kCount},
                               {"latency_ms", "latency", Figure::kMilliseconds},
                               {"images", "test images", Figure::kCount}};

std::string decimals(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string text_of(double value, Figure::Kind kind) {
  switch (kind) {
    case Figure::kPercent: return decimals(100.0 * value, 2) + " %";
    case Figure::kCount: return with_commas(static_cast<int64_t>(value));
    case Figure::kBytes: return with_commas(static_cast<int64_t>(value)) + " B";
    case Figure::kMilliseconds: return decimals(value, 3) + " ms";
  }
  return {};
}

// The number under a key, if there is one.
const Json* number_at(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? &*found : nullptr;
}

std::string change_of(double before, double after, Figure::Kind kind) {
  if (kind == Figure::kPercent) {
    const double points = 100.0 * (after - before);
    return (points < 0 ? "" : "+") + decimals(points, 2) + " points";
  }
  return change_text(before, after, kind == Figure::kMilliseconds);
}

std::string summary(const Json& report) {
  const Json none = Json::object();
  const Json& before = report.contains("before") ? report["before"] : none;
  const Json& after = report.contains("after") ? report["after"] : none;
  std::vector<std::vector<std::string>> rows = {{"", "before", "after", "change"}};
  for (const auto& figure : kFigures) {
    const Json* a = number_at(before, figure.key);
    const Json* b = number_at(after, figure.key);
    if (!a && !b) continue;
    const bool both = a && b;
    rows.push_back(
        {figure.title, a ? text_of(a->get<double>(), figure.kind) : "", b ? text_of(b->get<double>(), figure.kind) : "",
         both && std::string(figure.key) != "images" ? change_of(a->get<double>(), b->get<double>(), figure.kind)
                                                     : ""});
  }
  return rows.size() > 1 ? html_table(rows) : "";
}

std::string layer_bars(const Json& layers, const char* key, const char* title, Figure::Kind kind) {
  std::vector<BarPair> bars;
  for (const auto& layer : layers) {
    const auto side = [&](const char* name) {
      const Json* value = layer.contains(name) ? number_at(layer[name], key) : nullptr;
      return value ? value->get<double>() : 0.0;
    };
    const double before = side("before"), after = side("after");
    if (before == 0 && after == 0) continue;
    bars.push_back({layer.value("name", ""), before, after, text_of(before, kind) + " to " + text_of(after, kind)});
  }
  if (bars.empty()) return {};
  return "<h2>" + html_escaped(title) + "</h2>\n" + html_bars(bars);
}

std::string verification(const Json& json) {
  const bool passed = json.value("passed", false);
  std::string out =
      std::string("<h2>Verification: <span class=\"") + (passed ? "good\">passed" : "bad\">failed") + "</span></h2>\n";
  if (!json.contains("contestants")) return out;
  std::vector<std::vector<std::string>> rows = {
      {"contestant", "rows", "max error", "of range", "SNR", "top-1 equal", "verdict"}};
  for (const auto& row : json["contestants"]) {
    char error[48];
    std::snprintf(error, sizeof error, "%.3g", row.value("max_abs_error", 0.0));
    char relative[48];
    std::snprintf(relative, sizeof relative, "%.2g", row.value("relative_error", 0.0));
    rows.push_back({row.value("what", ""), with_commas(row.value("rows", int64_t{0})), error, relative,
                    decimals(row.value("snr_db", 0.0), 1) + " dB",
                    decimals(100.0 * row.value("top1_agreement", 0.0), 2) + " %",
                    row.value("passed", false) ? "ok" : row.value("reason", "failed")});
  }
  return out + html_table(rows);
}

}  // namespace

std::string report_html(const Json& report) {
  const std::string name =
      report.contains("name") && report["name"].is_string() ? report["name"].get<std::string>() : "report";
  std::string out = summary(report);
  if (report.contains("verification") && report["verification"].is_object())
    out += verification(report["verification"]);
  if (report.contains("layers") && report["layers"].is_array()) {
    out += layer_bars(report["layers"], "params", "Parameters a layer", Figure::kCount);
    out += layer_bars(report["layers"], "bytes", "Stored bytes a layer", Figure::kBytes);
    out += layer_bars(report["layers"], "macs", "MACs a layer", Figure::kCount);
  }
  if (report.contains("recipe")) out += "<h2>Recipe</h2>\n<pre>" + html_escaped(report["recipe"].dump(2)) + "</pre>\n";
  return html_page(name, out);
}

}  // namespace pare
