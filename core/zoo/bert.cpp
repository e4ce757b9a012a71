// BERT encoders (Devlin et al., NAACL 2019) with a classifier; parameter names as in Hugging Face's
// BertForSequenceClassification without the leading "bert.". Linear layers work on [N * sequence, width]. Inputs: input_ids and
// attention_mask (1 = token, 0 = padding), I64 [N, sequence]; every token has type 0.
#include <cmath>

#include "core/zoo/builder.h"

namespace pare {
namespace {

struct BertSize {
  int64_t layers, width, heads;
};

constexpr double kDropout = 0.1, kEpsilon = 1e-12;
constexpr float kMasked = -10000.0f;

class BertBuilder {
 public:
  BertBuilder(const std::string& variant, const ZooOptions& options, BertSize size)
      : b_(variant, options), size_(size), sequence_(options.sequence), vocabulary_(options.vocabulary) {
    b_.linear_init = normal_;
    b_.zero_bias = true;
  }

  GraphWithConstants build(int64_t classes) {
    const DimShape tokens = {Dim::symbol("N"), sequence_};
    const ValueId ids = b_.graph().add_input("input_ids", DType::kI64, tokens);
    const ValueId mask = additive_mask(b_.graph().add_input("attention_mask", DType::kI64, tokens));
    ValueId x = embeddings(ids);
    for (int64_t i = 0; i < size_.layers; ++i) x = layer(fmt("encoder.layer.{}.", i), x, mask);
    x = reshape("pooler.split", x, {-1, sequence_, size_.width});
    x = slice_rows("pooler.first", x, 1, 1);
    x = reshape("pooler.flatten", x, {-1, size_.width});
    x = b_.add("Tanh", "pooler.activation", {b_.linear("pooler.dense", x, size_.width, size_.width)});
    return b_.finish(b_.linear("classifier", dropout("dropout", x), size_.width, classes));
  }

 private:
  ValueId reshape(const std::string& name, ValueId x, std::vector<int64_t> shape) {
    return b_.add("Reshape", name, {x}, {{"shape", std::move(shape)}});
  }
  ValueId dropout(const std::string& name, ValueId x) { return b_.add("Dropout", name, {x}, {{"ratio", kDropout}}); }
  ValueId slice_rows(const std::string& name, ValueId x, int64_t axis, int64_t end) {
    return b_.add("Slice", name, {x},
                  {{"starts", std::vector<int64_t>{0}}, {"ends", std::vector<int64_t>{end}}, {"axes", std::vector<int64_t>{axis}}});
  }

  // 0 for tokens, a large negative number for padding, [N, 1, 1, sequence].
  ValueId additive_mask(ValueId mask) {
    ValueId x = b_.add("Cast", "mask.float", {mask}, {{"to", std::string("F32")}});
    x = b_.add("Unsqueeze", "mask.unsqueeze", {x}, {{"axes", std::vector<int64_t>{1, 2}}});
    x = b_.add("Sub", "mask.invert", {b_.literal("mask.one", 1.0f), x});
    return b_.add("Mul", "mask.scale", {x, b_.literal("mask.low", kMasked)});
  }

  ValueId embeddings(ValueId ids) {
    const int64_t width = size_.width;
    const ValueId words = b_.weight("embeddings.word_embeddings.weight", {vocabulary_, width}, normal_);
    const ValueId places = b_.weight("embeddings.position_embeddings.weight", {512, width}, normal_);
    const ValueId types = b_.weight("embeddings.token_type_embeddings.weight", {2, width}, normal_);
    ValueId x = b_.add("Gather", "embeddings.word_embeddings", {words, ids}, {{"axis", int64_t{0}}});
    x = b_.add("Add", "embeddings.add_position", {x, slice_rows("embeddings.position_embeddings", places, 0, sequence_)});
    x = b_.add("Add", "embeddings.add_type", {x, slice_rows("embeddings.token_type_embeddings", types, 0, 1)});
    x = b_.layer_norm("embeddings.LayerNorm", x, width, kEpsilon);
    return reshape("embeddings.flatten", dropout("embeddings.dropout", x), {-1, width});
  }

  // [N * sequence, width] -> [N, heads, sequence, depth], or the last two swapped.
  ValueId split_heads(const std::string& name, ValueId x, std::vector<int64_t> perm) {
    x = reshape(name + ".split", b_.linear(name, x, size_.width, size_.width),
                {-1, sequence_, size_.heads, size_.width / size_.heads});
    return b_.add("Transpose", name + ".transpose", {x}, {{"perm", std::move(perm)}});
  }

  ValueId attention(const std::string& name, ValueId x, ValueId mask) {
    const float scale = 1.0f / std::sqrt(static_cast<float>(size_.width / size_.heads));
    const ValueId query = split_heads(name + "self.query", x, {0, 2, 1, 3});
    const ValueId key = split_heads(name + "self.key", x, {0, 2, 3, 1});
    const ValueId value = split_heads(name + "self.value", x, {0, 2, 1, 3});
    ValueId scores = b_.add("MatMul", name + "self.scores", {query, key});
    scores = b_.add("Mul", name + "self.scaled", {scores, b_.literal(name + "self.scale", scale)});
    scores = b_.add("Add", name + "self.masked", {scores, mask});
    scores = b_.add("Softmax", name + "self.softmax", {scores}, {{"axis", int64_t{-1}}});
    ValueId out = b_.add("MatMul", name + "self.context", {dropout(name + "self.dropout", scores), value});
    out = b_.add("Transpose", name + "self.merge", {out}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
    out = reshape(name + "self.flatten", out, {-1, size_.width});
    out = dropout(name + "output.dropout", b_.linear(name + "output.dense", out, size_.width, size_.width));
    return b_.layer_norm(name + "output.LayerNorm", b_.add("Add", name + "output.add", {out, x}), size_.width, kEpsilon);
  }

  ValueId layer(const std::string& name, ValueId x, ValueId mask) {
    x = attention(name + "attention.", x, mask);
    ValueId y = b_.linear(name + "intermediate.dense", x, size_.width, 4 * size_.width);
    y = b_.add("Gelu", name + "intermediate.gelu", {y});
    y = dropout(name + "output.dropout", b_.linear(name + "output.dense", y, 4 * size_.width, size_.width));
    return b_.layer_norm(name + "output.LayerNorm", b_.add("Add", name + "output.add", {y, x}), size_.width, kEpsilon);
  }

  WeightInit normal_{WeightInit::Kind::kNormal, 0.02};
  ZooBuilder b_;
  BertSize size_;
  int64_t sequence_, vocabulary_;
};

}  // namespace

GraphWithConstants build_bert(const std::string& variant, const ZooOptions& options) {
  const BertSize size = variant == "bert_tiny" ? BertSize{2, 128, 2} : BertSize{4, 256, 4};
  return BertBuilder(variant, options, size).build(or_default(options.classes, 2));
}

}  // namespace pare
