#include "core/recipe/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

#include "core/base/file.h"

namespace pare {
namespace {

using Kind = ConfigNode::Kind;

size_t count_nodes(const ConfigNode& node) {
  size_t n = 1;
  for (const auto& item : node.items) n += count_nodes(item);
  for (const auto& entry : node.entries) n += count_nodes(entry.second);
  return n;
}

/// Builds the tree from parser events: the parser's own node type loses duplicate keys and positions of keys.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string name) : name_(std::move(name)) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(node_at(Kind::kNull, mark), anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    check_tag(mark, tag);
    ConfigNode node = node_at(Kind::kScalar, mark);
    node.scalar = value;
    node.quoted = tag == "!";
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) fail(mark, "an alias stands inside its own anchor");
    charge(mark, count_nodes(found->second) - 1);
    add(found->second, 0);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override {
    merge(frames_.back());
    close();
  }

  ConfigNode root;

 private:
  struct Frame {
    ConfigNode node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;
    std::string key;
    ConfigMark key_mark;
    std::vector<ConfigNode> merges;  ///< values of `<<`
  };

  ConfigMark place(const YAML::Mark& mark) const { return {name_, mark.line + 1, mark.column + 1}; }
  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& what) const { config_fail(place(mark), "", what); }
  ConfigNode node_at(Kind kind, const YAML::Mark& mark) {
    charge(mark, 1);
    ConfigNode node;
    node.kind = kind;
    node.mark = place(mark);
    return node;
  }
  void charge(const YAML::Mark& mark, size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kMaxRecipeNodes) fail(mark, fmt("expected at most {} values, got more (anchors count where they are used)", kMaxRecipeNodes));
  }
  void check_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!") fail(mark, fmt("expected plain YAML, got the tag \"{}\". Remove it", tag));
  }
  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    check_tag(mark, tag);
    if (frames_.size() >= kMaxRecipeDepth) fail(mark, fmt("expected at most {} levels, got more", kMaxRecipeDepth));
    if (!frames_.empty() && frames_.back().node.kind == Kind::kMap && !frames_.back().has_key)
      fail(mark, "expected a text as key, got a list or a map");
    Frame frame;
    frame.node = node_at(kind, mark);
    frame.anchor = anchor;
    frames_.push_back(std::move(frame));
  }
  void close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    add(std::move(frame.node), frame.anchor);
  }
  void add(ConfigNode node, YAML::anchor_t anchor) {
    if (anchor) anchors_[anchor] = node;
    if (frames_.empty()) {
      root = std::move(node);
      return;
    }
    Frame& top = frames_.back();
    if (top.node.kind == Kind::kList) {
      top.node.items.push_back(std::move(node));
    } else if (!top.has_key) {
      take_key(top, std::move(node));
    } else {
      top.has_key = false;
      if (top.key == "<<") {
        top.merges.push_back(std::move(node));
      } else {
        top.node.entries.emplace_back(top.key, std::move(node));
        top.node.key_marks.push_back(top.key_mark);
      }
    }
  }
  void take_key(Frame& top, ConfigNode node) {
    if (node.kind != Kind::kScalar) config_fail(node.mark, "", fmt("expected a text as key, got {}", node.describe()));
    for (size_t i = 0; i < top.node.entries.size(); ++i)
      if (top.node.entries[i].first == node.scalar)
        config_fail(node.mark, "", fmt("duplicate key \"{}\" (first on line {})", node.scalar, top.node.key_marks[i].line));
    if (node.scalar == "<<" && !top.merges.empty()) config_fail(node.mark, "", "duplicate key \"<<\". Give it a list of aliases");
    top.has_key = true;
    top.key = node.scalar;
    top.key_mark = node.mark;
  }
  /// Merge keys: entries of the map itself win, then those of earlier merged maps.
  void merge(Frame& top) const {
    std::vector<ConfigNode> sources;
    for (ConfigNode& value : top.merges) {
      if (value.kind == Kind::kList) sources.insert(sources.end(), value.items.begin(), value.items.end());
      else sources.push_back(std::move(value));
    }
    for (const ConfigNode& source : sources) {
      config_expect_map(source);
      for (size_t i = 0; i < source.entries.size(); ++i) {
        if (top.node.find(source.entries[i].first)) continue;
        top.node.entries.push_back(source.entries[i]);
        top.node.key_marks.push_back(source.key_marks[i]);
      }
    }
  }
  static void config_expect_map(const ConfigNode& node) {
    if (node.kind != Kind::kMap) config_fail(node.mark, "<<", fmt("expected an alias of a map, got {}", node.describe()));
  }

  std::string name_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, ConfigNode> anchors_;
  size_t nodes_ = 0;
};

}  // namespace

ConfigNode read_yaml(const std::string& text, const std::string& name) {
  PARE_CHECK(text.size() <= kMaxRecipeBytes, ConfigError, "{}: expected at most {} bytes, got {}. Is this a recipe?", name,
             kMaxRecipeBytes, text.size());
  PARE_CHECK(text.find('\0') == std::string::npos, ConfigError, "{}: expected a text file, got binary data", name);
  TreeBuilder builder(name);
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return {};
    TreeBuilder second(name);
    if (parser.HandleNextDocument(second))
      config_fail(second.root.mark, "", "expected one YAML document, got a second one");
  } catch (const YAML::Exception& e) {
    throw ConfigError(fmt("{}:{}:{}: bad YAML: {}", name, e.mark.line + 1, e.mark.column + 1, e.msg));
  }
  return std::move(builder.root);
}

ConfigNode read_yaml_file(const std::string& path) { return read_yaml(read_file(path), path); }

}  // namespace pare
