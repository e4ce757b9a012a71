#pragma once
// A small formatter: GCC 12 has no <format>.

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace pare {

namespace detail {

template <class T>
void put(std::ostream& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out << (value ? "true" : "false");
  } else if constexpr (std::is_same_v<T, signed char> || std::is_same_v<T, unsigned char>) {
    out << static_cast<int>(value);
  } else {
    out << value;
  }
}

template <class T>
void put(std::ostream& out, const std::vector<T>& values) {
  out << '[';
  for (size_t i = 0; i < values.size(); ++i) {
    if (i) out << ", ";
    put<T>(out, values[i]);
  }
  out << ']';
}

/// Writes `pattern` up to its next `{}` and returns the rest behind it.
std::string_view put_until_hole(std::ostream& out, std::string_view pattern);

}  // namespace detail

/// Replaces each `{}` of `pattern` by the next argument (anything with `operator<<`, or a vector of such).
/// `{{` and `}}` stand for braces. Surplus arguments are appended; from a surplus hole on the text is dropped.
template <class... Args>
std::string fmt(std::string_view pattern, const Args&... args) {
  std::ostringstream out;
  ((pattern = detail::put_until_hole(out, pattern), detail::put(out, args)), ...);
  detail::put_until_hole(out, pattern);
  return out.str();
}

/// "1,234,567".
std::string with_commas(int64_t value);
/// "12.3 KB", "4.56 MB" (powers of 1000).
std::string human_bytes(int64_t bytes);
/// Joins with a separator.
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// The up to `limit` candidates nearest to `word` by edit distance, best first; far ones are left out.
std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates, size_t limit = 3);
/// ` Did you mean "a" or "b"?`, or an empty string when nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);
/// Shell-style match: `*` any run, `?` one character.
bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace pare
