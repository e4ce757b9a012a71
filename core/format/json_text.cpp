#include "core/format/json_text.h"

#include <set>

namespace pare {
namespace {

template <class J>
J parse_bounded(std::string_view text, std::string_view where, JsonLimits limits) {
  using Event = typename J::parse_event_t;
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, Event event, J& parsed) {
    if (event == Event::object_start || event == Event::array_start) {
      PARE_CHECK(depth < limits.depth, ModelError, "[{}] expected JSON nested at most {} deep, got more", where,
                 limits.depth);
      if (event == Event::object_start) keys.emplace_back();
    } else if (event == Event::object_end) {
      keys.pop_back();
    } else if (event == Event::key) {
      const auto& name = parsed.template get_ref<const std::string&>();
      PARE_CHECK(keys.back().size() < limits.keys, ModelError, "[{}] expected at most {} keys in one JSON object",
                 where, limits.keys);
      PARE_CHECK(keys.back().insert(name).second, ModelError, "[{}] expected unique JSON keys, got \"{}\" twice", where,
                 name);
    }
    return true;
  };
  try {
    return J::parse(text, watch);
  } catch (const nlohmann::json::exception& error) {
    throw ModelError(fmt("[{}] expected JSON, got text that does not parse ({})", where, error.what()));
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where, JsonLimits limits) {
  return parse_bounded<Json>(text, where, limits);
}

nlohmann::json parse_sorted_json(std::string_view text, std::string_view where, JsonLimits limits) {
  return parse_bounded<nlohmann::json>(text, where, limits);
}

std::string dump_json(const Json& json, std::string_view where) {
  try {
    return json.dump();
  } catch (const nlohmann::json::exception& error) {
    throw ModelError(fmt("[{}] expected names in UTF-8 ({})", where, error.what()));
  }
}

}  // namespace pare
