#include <cctype>
#include <charconv>

#include "core/base/error.h"
#include "core/graph/dim.h"

namespace pare {
namespace {

constexpr size_t kMaxText = 2048;
constexpr int kMaxDepth = 100;

// expression := term (('+' | '-') term)*      term := factor ('*' factor)*
// factor := number | symbol | '-' factor | '(' expression ')' | 'floor(' expression '/' factor ')'
class DimParser {
 public:
  explicit DimParser(std::string_view text) : text_(text) {
    PARE_CHECK(text.size() <= kMaxText, ModelError, "[dim] expected at most {} characters, got {}", kMaxText, text.size());
  }
  Dim whole() {
    Dim out = expression();
    if (peek() != '\0') fail();
    return out;
  }

 private:
  [[noreturn]] void fail() const {
    throw ModelError(fmt("[dim] expected an expression such as 2*N+1, got \"{}\" (at character {})", text_, pos_ + 1));
  }
  char peek() {
    while (pos_ < text_.size() && text_[pos_] == ' ') ++pos_;
    return pos_ < text_.size() ? text_[pos_] : '\0';
  }
  void expect(char c) {
    if (peek() != c) fail();
    ++pos_;
  }
  Dim expression() {
    if (++depth_ > kMaxDepth) fail();
    Dim out = term();
    for (char c = peek(); c == '+' || c == '-'; c = peek()) {
      ++pos_;
      const Dim next = term();
      out = c == '+' ? out + next : out - next;
    }
    --depth_;
    return out;
  }
  Dim term() {
    Dim out = factor();
    while (peek() == '*') {
      ++pos_;
      out = out * factor();
    }
    return out;
  }
  Dim factor() {
    const char c = peek();
    if (c == '-') {
      if (++depth_ > kMaxDepth) fail();
      ++pos_;
      const Dim inner = factor();
      --depth_;
      return Dim(0) - inner;
    }
    if (c == '(') {
      ++pos_;
      const Dim inner = expression();
      expect(')');
      return inner;
    }
    if (std::isdigit(static_cast<unsigned char>(c))) return number();
    const std::string name = identifier();
    if (name != "floor" || peek() != '(') return Dim::symbol(name);
    ++pos_;
    const Dim top = expression();
    expect('/');
    const Dim bottom = factor();
    expect(')');
    return top.floor_div(bottom);
  }
  Dim number() {
    int64_t value = 0;
    const auto result = std::from_chars(text_.data() + pos_, text_.data() + text_.size(), value);
    if (result.ec != std::errc()) fail();
    pos_ = static_cast<size_t>(result.ptr - text_.data());
    return value;
  }
  std::string identifier() {
    const size_t start = pos_;
    const auto good = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.' || c == ':'; };
    while (pos_ < text_.size() && good(static_cast<unsigned char>(text_[pos_]))) ++pos_;
    if (pos_ == start) fail();
    return std::string(text_.substr(start, pos_ - start));
  }

  std::string_view text_;
  size_t pos_ = 0;
  int depth_ = 0;
};

}  // namespace

Dim Dim::parse(std::string_view text) { return DimParser(text).whole(); }

}  // namespace pare
