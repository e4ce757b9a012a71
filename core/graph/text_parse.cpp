#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>

#include "core/graph/text_form.h"

namespace pare {
namespace {

struct TypedName {
  std::string name;
  DType dtype = DType::kF32;
  std::optional<DimShape> shape;
};

// Reads one line from left to right.
class LineParser {
 public:
  LineParser(std::string_view text, size_t line) : text_(text), line_(line) {}

  [[noreturn]] void fail(const std::string& expected) const {
    throw ModelError(fmt("[graph text] line {}:{}: expected {}", line_, pos_ + 1, expected));
  }
  char peek() {
    while (pos_ < text_.size() && text_[pos_] == ' ') ++pos_;
    return pos_ < text_.size() ? text_[pos_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++pos_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("'") + c + "'");
  }
  void expect_end() {
    if (peek() != '\0') fail("the end of the line");
  }
  std::string name() {
    if (peek() == '"') return quoted();
    const size_t start = pos_;
    const auto plain = [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '_' || c == ':' || c == '/' || c == '-'; };
    while (pos_ < text_.size() && plain(static_cast<unsigned char>(text_[pos_]))) ++pos_;
    // The colon behind a name belongs to its type.
    if (pos_ > start && text_[pos_ - 1] == ':') --pos_;
    if (pos_ == start) fail("a name");
    return std::string(text_.substr(start, pos_ - start));
  }
  TypedName typed_name() {
    TypedName out;
    out.name = name();
    expect(':');
    const std::string dtype = name();
    if (!parse_dtype(dtype, out.dtype)) fail(fmt("a dtype instead of \"{}\"", dtype));
    if (accept('?')) return out;
    out.shape = DimShape();
    expect('[');
    while (!accept(']')) {
      if (!out.shape->empty()) expect(',');
      out.shape->push_back(dim());
      if (out.shape->back().maybe_value().value_or(0) < 0) fail("dims >= 0");
    }
    return out;
  }
  Attr attr() {
    const char c = peek();
    if (c == '"') return quoted();
    if (!accept('[')) return number();
    if (accept('.')) {
      expect(']');
      return std::vector<double>();
    }
    std::vector<int64_t> integers;
    std::vector<double> numbers;
    while (!accept(']')) {
      if (!integers.empty() || !numbers.empty()) expect(',');
      const Attr item = number();
      if (const auto* value = std::get_if<int64_t>(&item)) integers.push_back(*value);
      else numbers.push_back(std::get<double>(item));
      if (!integers.empty() && !numbers.empty()) fail("numbers of one kind");
    }
    return numbers.empty() ? Attr(std::move(integers)) : Attr(std::move(numbers));
  }

 private:
  std::string quoted() {
    std::string out;
    for (++pos_; pos_ < text_.size() && text_[pos_] != '"'; ++pos_) {
      if (text_[pos_] != '\\') {
        out += text_[pos_];
        continue;
      }
      if (++pos_ == text_.size()) break;
      out += text_[pos_] == 'n' ? '\n' : text_[pos_];
    }
    if (pos_ == text_.size()) fail("a closing quote");
    ++pos_;
    return out;
  }
  // Up to the comma or bracket that ends it: parentheses inside a dimension nest.
  Dim dim() {
    peek();
    const size_t start = pos_;
    while (pos_ < text_.size() && text_[pos_] != ',' && text_[pos_] != ']') ++pos_;
    return Dim::parse(text_.substr(start, pos_ - start));
  }
  Attr number() {
    peek();
    const size_t start = pos_;
    const auto part = [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '+'; };
    while (pos_ < text_.size() && part(static_cast<unsigned char>(text_[pos_]))) ++pos_;
    const std::string_view word = text_.substr(start, pos_ - start);
    int64_t integer = 0;
    double value = 0;
    const char* end = word.data() + word.size();
    const auto whole = std::from_chars(word.data(), end, integer);
    if (!word.empty() && whole.ptr == end && whole.ec == std::errc()) return integer;
    const auto floating = std::from_chars(word.data(), end, value);
    if (word.empty() || floating.ptr != end || floating.ec != std::errc()) fail("a number");
    return value;
  }

  std::string_view text_;
  size_t line_, pos_ = 0;
};

class GraphParser {
 public:
  Graph parse(std::string_view text) {
    size_t line = 1;
    for (size_t start = 0; start <= text.size(); ++line) {
      const size_t end = std::min(text.find('\n', start), text.size());
      const std::string_view content = text.substr(start, end - start);
      if (!content.empty() && content[0] != '#') parse_line(content, line);
      start = end + 1;
    }
    graph_.set_outputs(std::move(outputs_));
    graph_.verify_structure();
    return std::move(graph_);
  }

 private:
  void parse_line(std::string_view text, size_t line) {
    LineParser p(text, line);
    const size_t space = text.find(' ');
    const std::string word(text.substr(0, space));
    // A node's first word ends with the colon of its type or opens a list.
    if (const bool keyword = !word.empty() && word.back() != ':' && word[0] != '[' && word[0] != '"'; !keyword) return node(p);
    p.name();
    if (word == "graph") graph_.name = p.name();
    else if (word == "input") input(p);
    else if (word == "output") outputs_.push_back(value(p, p.name()));
    else if (!constant(p, word)) p.fail("graph, input, parameter, buffer, literal, output or a node");
    p.expect_end();
  }

  ValueId value(const LineParser& p, const std::string& name) const {
    const ValueId id = graph_.find_value(name);
    if (id == kNoValue) p.fail(fmt("a value produced above instead of \"{}\"", name));
    return id;
  }

  void input(LineParser& p) {
    const TypedName typed = p.typed_name();
    if (!typed.shape) p.fail("a shape of every input");
    graph_.add_input(typed.name, typed.dtype, *typed.shape);
  }

  bool constant(LineParser& p, const std::string& word) {
    for (Role role : {Role::kParameter, Role::kBuffer, Role::kLiteral}) {
      if (word != name_of(role)) continue;
      const TypedName typed = p.typed_name();
      if (!typed.shape) p.fail("a shape of every constant");
      graph_.add_constant(typed.name, role, typed.dtype, evaluate(*typed.shape, {}));
      return true;
    }
    return false;
  }

  void node(LineParser& p) {
    std::vector<TypedName> left;
    if (p.accept('[')) {
      do left.push_back(p.typed_name());
      while (p.accept(','));
      p.expect(']');
    } else {
      left.push_back(p.typed_name());
    }
    p.expect('=');
    const std::string op = p.name();
    std::vector<ValueId> inputs;
    p.expect('(');
    while (!p.accept(')')) {
      if (!inputs.empty()) p.expect(',');
      const bool quoted = p.peek() == '"';
      const std::string name = p.name();
      inputs.push_back(name == "_" && !quoted ? kNoValue : value(p, name));
    }
    Attrs attrs;
    if (p.accept('{')) {
      do {
        const std::string name = p.name();
        p.expect('=');
        attrs.set(name, p.attr());
      } while (p.accept(','));
      p.expect('}');
    }
    const std::string name = p.accept('@') ? p.name() : left[0].name;
    p.expect_end();
    std::vector<std::string> names;
    for (const auto& typed : left) names.push_back(typed.name);
    const NodeId id = graph_.add_node_named(op, name, std::move(inputs), std::move(attrs), names);
    for (size_t i = 0; i < left.size(); ++i) {
      Value& output = graph_.value(graph_.node(id).outputs[i]);
      output.dtype = left[i].dtype;
      output.shape = left[i].shape;
    }
  }

  Graph graph_;
  std::vector<ValueId> outputs_;
};

}  // namespace

Graph parse_graph(std::string_view text) { return GraphParser().parse(text); }

}  // namespace pare
