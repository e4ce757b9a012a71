#include "core/graph/dim.h"

#include <algorithm>
#include <numeric>

#include "core/base/error.h"

namespace pare {
namespace {

// Bounds on what a file can make us build: real shapes stay far below both.
constexpr size_t kMaxTerms = 256;
constexpr size_t kMaxSymbol = 2048;
constexpr std::string_view kFloor = "floor(";

bool is_opaque(const std::string& symbol) { return symbol.compare(0, kFloor.size(), kFloor) == 0; }

int64_t checked_add(int64_t a, int64_t b) {
  int64_t out = 0;
  PARE_CHECK(!__builtin_add_overflow(a, b, &out), ModelError, "[dim] {} + {} exceeds 64 bits", a, b);
  return out;
}

int64_t checked_mul(int64_t a, int64_t b) {
  int64_t out = 0;
  PARE_CHECK(!__builtin_mul_overflow(a, b, &out), ModelError, "[dim] {} * {} exceeds 64 bits", a, b);
  return out;
}

int64_t floor_of(int64_t a, int64_t b) {
  PARE_CHECK(b != 0, ModelError, "[dim] expected a divisor other than zero");
  PARE_CHECK(b != -1, ModelError, "[dim] expected a positive divisor, got -1");
  const int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

using Monomial = std::vector<std::string>;

// Graded lexicographic order, which multiplication respects: what polynomial division needs.
bool leads(const Monomial& a, const Monomial& b) { return a.size() != b.size() ? a.size() > b.size() : a < b; }

std::optional<Monomial> quotient(const Monomial& a, const Monomial& b) {
  if (!std::includes(a.begin(), a.end(), b.begin(), b.end())) return std::nullopt;
  Monomial out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

}  // namespace

Dim::Dim(int64_t value) {
  if (value != 0) terms_[{}] = value;
}

Dim Dim::symbol(const std::string& name) {
  PARE_CHECK(!name.empty() && name.size() <= kMaxSymbol, ModelError, "[dim] expected a symbol of 1 to {} characters, got {}",
             kMaxSymbol, name.size());
  Dim out;
  out.terms_[{name}] = 1;
  return out;
}

bool Dim::is_constant() const { return terms_.empty() || (terms_.size() == 1 && terms_.begin()->first.empty()); }

std::optional<int64_t> Dim::maybe_value() const {
  if (terms_.empty()) return 0;
  if (!is_constant()) return std::nullopt;
  return terms_.begin()->second;
}

int64_t Dim::value() const {
  const auto out = maybe_value();
  PARE_CHECK(out, ModelError, "[dim] expected a number, got \"{}\". Bind its symbols first", str());
  return *out;
}

static int64_t value_of(const std::string& symbol, const std::map<std::string, int64_t>& bindings);

int64_t Dim::evaluate(const std::map<std::string, int64_t>& bindings) const {
  int64_t total = 0;
  for (const auto& [monomial, coefficient] : terms_) {
    int64_t product = coefficient;
    for (const auto& symbol : monomial) product = checked_mul(product, value_of(symbol, bindings));
    total = checked_add(total, product);
  }
  return total;
}

// "floor((a)/(b))" with both parts in parentheses, as `opaque` below writes it.
static std::pair<Dim, Dim> parts_of(const std::string& symbol) {
  int depth = 0;
  for (size_t i = kFloor.size(); i < symbol.size(); ++i) {
    if (symbol[i] == '(') ++depth;
    if (symbol[i] == ')') --depth;
    if (symbol[i] == '/' && depth == 0) {
      const std::string_view text = symbol;
      return {Dim::parse(text.substr(kFloor.size(), i - kFloor.size())),
              Dim::parse(text.substr(i + 1, text.size() - i - 2))};
    }
  }
  throw ModelError(fmt("[dim] expected floor(a/b), got \"{}\"", symbol));
}

static int64_t value_of(const std::string& symbol, const std::map<std::string, int64_t>& bindings) {
  const auto found = bindings.find(symbol);
  if (found != bindings.end()) return found->second;
  PARE_CHECK(is_opaque(symbol), ModelError, "[dim] symbol \"{}\" has no value", symbol);
  const auto [top, bottom] = parts_of(symbol);
  return floor_of(top.evaluate(bindings), bottom.evaluate(bindings));
}

std::set<std::string> Dim::symbols() const {
  std::set<std::string> out;
  for (const auto& [monomial, coefficient] : terms_) {
    for (const auto& symbol : monomial) {
      if (!is_opaque(symbol)) {
        out.insert(symbol);
        continue;
      }
      const auto [top, bottom] = parts_of(symbol);
      out.merge(top.symbols());
      out.merge(bottom.symbols());
    }
  }
  return out;
}

std::string Dim::str() const {
  if (terms_.empty()) return "0";
  std::string out;
  auto put = [&out](const Monomial& monomial, int64_t coefficient) {
    if (!out.empty() && coefficient > 0) out += '+';
    std::string body = join(monomial, "*");
    if (body.empty()) out += std::to_string(coefficient);
    else if (coefficient == 1) out += body;
    else if (coefficient == -1) out += '-' + body;
    else out += std::to_string(coefficient) + '*' + body;
  };
  for (const auto& [monomial, coefficient] : terms_)
    if (!monomial.empty()) put(monomial, coefficient);
  if (const auto constant = terms_.find({}); constant != terms_.end()) put({}, constant->second);
  return out;
}

Dim Dim::operator+(const Dim& other) const {
  Dim out = *this;
  for (const auto& [monomial, coefficient] : other.terms_) {
    int64_t& sum = out.terms_[monomial];
    sum = checked_add(sum, coefficient);
    if (sum == 0) out.terms_.erase(monomial);
  }
  PARE_CHECK(out.terms_.size() <= kMaxTerms, ModelError, "[dim] expected at most {} terms in a dimension", kMaxTerms);
  return out;
}

Dim Dim::operator-(const Dim& other) const { return *this + other * Dim(-1); }

Dim Dim::operator*(const Dim& other) const {
  Dim out;
  for (const auto& [m1, c1] : terms_) {
    for (const auto& [m2, c2] : other.terms_) {
      Monomial both;
      std::merge(m1.begin(), m1.end(), m2.begin(), m2.end(), std::back_inserter(both));
      int64_t& sum = out.terms_[both];
      sum = checked_add(sum, checked_mul(c1, c2));
      if (sum == 0) out.terms_.erase(both);
      PARE_CHECK(out.terms_.size() <= kMaxTerms && both.size() <= kMaxTerms, ModelError,
                 "[dim] expected at most {} terms in a dimension", kMaxTerms);
    }
  }
  return out;
}

std::optional<Dim> Dim::exact_div(const Dim& divisor) const {
  PARE_CHECK(!divisor.terms_.empty(), ModelError, "[dim] expected a divisor other than zero");
  const auto leading = [](const Dim& dim) {
    return std::min_element(dim.terms_.begin(), dim.terms_.end(),
                            [](const auto& a, const auto& b) { return leads(a.first, b.first); });
  };
  const auto lead = leading(divisor);
  Dim rest = *this, out;
  while (!rest.terms_.empty()) {
    const auto top = leading(rest);
    const auto monomial = quotient(top->first, lead->first);
    if (!monomial || lead->second == -1 || top->second % lead->second != 0) return std::nullopt;
    Dim term;
    term.terms_[*monomial] = top->second / lead->second;
    out = out + term;
    rest = rest - term * divisor;
  }
  return out;
}

Dim Dim::floor_div(const Dim& divisor) const {
  if (const auto exact = exact_div(divisor)) return *exact;
  Dim rest = *this, whole, bottom = divisor;
  if (const auto number = divisor.maybe_value()) {
    PARE_CHECK(*number > 0, ModelError, "[dim] expected a divisor > 0, got {}", *number);
    rest = Dim();
    int64_t common = *number;
    for (const auto& [monomial, coefficient] : terms_) {
      const int64_t q = floor_of(coefficient, *number);
      if (q != 0) whole.terms_[monomial] = q;
      const int64_t r = coefficient - q * *number;
      if (r != 0) rest.terms_[monomial] = r;
      if (!monomial.empty()) common = std::gcd(common, r);
    }
    if (rest.is_constant()) return whole;
    // floor((g*a + c) / (g*d)) = floor((a + floor(c/g)) / d) for integers.
    for (auto it = rest.terms_.begin(); it != rest.terms_.end();) {
      it->second = floor_of(it->second, common);
      it = it->second == 0 ? rest.terms_.erase(it) : std::next(it);
    }
    bottom = Dim(*number / common);
    if (bottom == Dim(1)) return whole + rest;
  }
  const auto wrap = [](const Dim& dim) {
    const bool single = dim.terms_.size() <= 1 && (dim.is_constant() || (dim.terms_.begin()->second == 1 && dim.terms_.begin()->first.size() == 1));
    return single ? dim.str() : '(' + dim.str() + ')';
  };
  return whole + symbol(std::string(kFloor) + wrap(rest) + '/' + wrap(bottom) + ')');
}

Dim Dim::ceil_div(const Dim& divisor) const {
  if (const auto exact = exact_div(divisor)) return *exact;
  return (*this + divisor - Dim(1)).floor_div(divisor);
}

DimShape to_dims(const std::vector<int64_t>& shape) { return {shape.begin(), shape.end()}; }

Dim product_of(const DimShape& shape) {
  Dim out(1);
  for (const auto& dim : shape) out = out * dim;
  return out;
}

std::vector<int64_t> evaluate(const DimShape& shape, const std::map<std::string, int64_t>& bindings) {
  std::vector<int64_t> out;
  for (const auto& dim : shape) out.push_back(dim.evaluate(bindings));
  return out;
}

}  // namespace pare
