#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pare {

/// A tensor dimension: a polynomial with int64 coefficients over symbols ("batch", "height").
/// Floor division that does not come out even becomes an opaque symbol whose name is its text, e.g. "floor((h+1)/2)".
class Dim {
 public:
  Dim(int64_t value = 0);  // NOLINT: a plain number is a Dim
  static Dim symbol(const std::string& name);
  /// Inverse of `str`. Throws ModelError on text that is no such expression.
  static Dim parse(std::string_view text);

  bool is_constant() const;
  /// The number; throws ModelError when symbols are left.
  int64_t value() const;
  std::optional<int64_t> maybe_value() const;
  /// Value under the bindings; throws ModelError naming an unbound symbol.
  int64_t evaluate(const std::map<std::string, int64_t>& bindings) const;
  std::set<std::string> symbols() const;
  /// Canonical text: equal dims have equal text.
  std::string str() const;

  Dim operator+(const Dim& other) const;
  Dim operator-(const Dim& other) const;
  Dim operator*(const Dim& other) const;
  /// Division rounding down; `divisor` > 0 or a polynomial that divides evenly.
  Dim floor_div(const Dim& divisor) const;
  Dim ceil_div(const Dim& divisor) const;
  /// This / other when it comes out even as a polynomial.
  std::optional<Dim> exact_div(const Dim& divisor) const;
  bool operator==(const Dim& other) const = default;

 private:
  using Monomial = std::vector<std::string>;  // sorted symbol names, repeated for powers
  std::map<Monomial, int64_t> terms_;         // no zero coefficients
};

inline std::ostream& operator<<(std::ostream& out, const Dim& dim) { return out << dim.str(); }

using DimShape = std::vector<Dim>;

DimShape to_dims(const std::vector<int64_t>& shape);
/// Product of dims.
Dim product_of(const DimShape& shape);
/// Throws ModelError when a symbol is unbound.
std::vector<int64_t> evaluate(const DimShape& shape, const std::map<std::string, int64_t>& bindings);

}  // namespace pare
