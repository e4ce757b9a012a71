// Einsum of one or two operands: sums, transposes and one matrix product.
#include <algorithm>

#include "core/import/onnx_raise.h"

namespace pare::onnx {
namespace {

// One letter a dim.
struct Term {
  ValueId value = kNoValue;
  std::string letters;
};

struct Equation {
  std::vector<std::string> terms;
  std::string result;
};

void expect_letters(const std::string& term) {
  for (char c : term) {
    PARE_CHECK((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), ModelError,
               "expected letters in the equation, got \"{}\"", term);
    PARE_CHECK(std::count(term.begin(), term.end(), c) == 1, ModelError, "a letter that comes twice in \"{}\"", term);
  }
}

// Without an arrow, the result has the letters that come once, in alphabetical order.
Equation parse_equation(std::string text) {
  std::erase(text, ' ');
  const size_t arrow = text.find("->");
  Equation out;
  std::string all, left = text.substr(0, arrow) + ",";
  for (size_t at = 0, comma; (comma = left.find(',', at)) != std::string::npos; at = comma + 1) {
    out.terms.push_back(left.substr(at, comma - at));
    expect_letters(out.terms.back());
    all += out.terms.back();
  }
  if (arrow != std::string::npos)
    out.result = text.substr(arrow + 2);
  else
    std::copy_if(all.begin(), all.end(), std::back_inserter(out.result),
                 [&](char c) { return std::count(all.begin(), all.end(), c) == 1; });
  if (arrow == std::string::npos) std::sort(out.result.begin(), out.result.end());
  expect_letters(out.result);
  for (char c : out.result)
    PARE_CHECK(all.find(c) != std::string::npos, ModelError, "expected the letters of \"{}\" on the left", out.result);
  return out;
}

std::string only(const std::string& letters, const std::string& allowed, bool wanted = true) {
  std::string out;
  std::copy_if(letters.begin(), letters.end(), std::back_inserter(out),
               [&](char c) { return (allowed.find(c) != std::string::npos) == wanted; });
  return out;
}

std::vector<int64_t> places(const std::string& letters, const std::string& in) {
  std::vector<int64_t> out;
  for (char c : letters) out.push_back(static_cast<int64_t>(in.find(c)));
  return out;
}

void sum_out(Raiser& out, const Node& node, Term& term, const std::string& kept) {
  const std::string gone = only(term.letters, kept, false);
  if (gone.empty()) return;
  term.value =
      out.step(node, "ReduceSum", {term.value}, {{"axes", places(gone, term.letters)}, {"keepdims", int64_t{0}}});
  term.letters = only(term.letters, kept);
}

// The operand in this order of letters; a dot is a new dim of 1.
ValueId arranged(Raiser& out, const Node& node, const Term& term, const std::string& order) {
  const std::string real = only(order, ".", false);
  ValueId value = term.value;
  if (real != term.letters) value = out.step(node, "Transpose", {value}, {{"perm", places(real, term.letters)}});
  std::vector<int64_t> ones;
  for (size_t i = 0; i < order.size(); ++i)
    if (order[i] == '.') ones.push_back(static_cast<int64_t>(i));
  return ones.empty() ? value : out.step(node, "Unsqueeze", {value}, {{"axes", ones}});
}

Term matrix_product(Raiser& out, const Node& node, Term a, Term b, const std::string& result) {
  sum_out(out, node, a, b.letters + result);
  sum_out(out, node, b, a.letters + result);
  const std::string both = only(a.letters, b.letters), batch = only(both, result), inner = only(both, result, false);
  std::string rows = only(a.letters, both, false), columns = only(b.letters, both, false);
  if (columns.size() > 1 && rows.size() <= 1) std::swap(a, b), std::swap(rows, columns);
  PARE_CHECK(inner.size() <= 1 && columns.size() <= 1 && (rows.size() <= 1 || batch.empty()), ModelError,
             "a product over \"{}\" of \"{}\" and \"{}\" is more than one matrix product", inner, a.letters, b.letters);
  const std::string k = inner.empty() ? "." : inner, m = rows.empty() ? "." : rows, n = columns.empty() ? "." : columns;
  const ValueId left = arranged(out, node, a, batch + m + k), right = arranged(out, node, b, batch + k + n);
  Term made{out.step(node, "MatMul", {left, right}), batch + rows + columns};
  std::vector<int64_t> ones;
  if (rows.empty()) ones.push_back(static_cast<int64_t>(batch.size()));
  if (columns.empty()) ones.push_back(static_cast<int64_t>(batch.size() + m.size()));
  if (!ones.empty()) made.value = out.step(node, "Squeeze", {made.value}, {{"axes", ones}});
  return made;
}

}  // namespace

void raise_einsum(Raiser& out, const Node& node) {
  const Equation equation = parse_equation(node.text("equation", ""));
  PARE_CHECK(equation.terms.size() == node.inputs.size() && node.inputs.size() <= 2, ModelError,
             "expected one or two operands, as in the equation, got {}", node.inputs.size());
  std::vector<Term> terms;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    PARE_CHECK(out.rank(node, i) == static_cast<int64_t>(equation.terms[i].size()), ModelError,
               "expected {} dims of input {}, got {}", equation.terms[i].size(), i, out.shape(node, i));
    terms.push_back({out.input(node, i), equation.terms[i]});
  }
  if (terms.size() == 1)
    sum_out(out, node, terms[0], equation.result);
  else
    terms[0] = matrix_product(out, node, terms[0], terms[1], equation.result);
  if (terms[0].letters == equation.result) return out.add(node, "Identity", {terms[0].value}, {});
  out.add(node, "Transpose", {terms[0].value}, {{"perm", places(equation.result, terms[0].letters)}});
}

}  // namespace pare::onnx
