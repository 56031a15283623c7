// SPDX-License-Identifier: Apache-2.0
#include "model/weights.h"

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "model/digest.h"
#include "quant/formats.h"

namespace gemma2 {
namespace {

class Importer {
 public:
  Importer(const Checkpoint& checkpoint, const std::function<void(double)>& progress,
           std::uint64_t total)
      : checkpoint_(checkpoint), progress_(progress), total_(total) {}

  /// Of a matrix that is imported once more, the digest has had enough.
  Weight matrix(Backend& backend, const std::string& name, bool again = false) {
    const TensorView stored = checkpoint_.matrix(name);
    if (!again) {
      digest_.add(static_cast<std::uint64_t>(stored.type));
      digest_.add_sampled({stored.data, static_cast<std::size_t>(stored.rows) *
                                            row_bytes(format_of(stored.type), stored.cols)});
    }
    return backend.import_weight(
        stored,
        [](void* self, std::span<const std::byte> range) {
          static_cast<Importer*>(self)->consumed(range);
        },
        this);
  }
  Weight norm(Backend& backend, const std::string& name) {
    const std::vector<float> values = checkpoint_.norm(name);
    digest_.add(std::as_bytes(std::span(values)));
    return backend.import_vector(values);
  }
  [[nodiscard]] std::uint64_t digest() const noexcept { return digest_.value(); }

 private:
  void consumed(std::span<const std::byte> range) {
    checkpoint_.release(range);
    done_ += range.size();
    if (progress_) progress_(static_cast<double>(done_) / static_cast<double>(total_));
  }

  const Checkpoint& checkpoint_;
  const std::function<void(double)>& progress_;
  Digest digest_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
};

LayerWeights import_layer(Importer& importer, Backend& backend, int layer) {
  const auto name = [&](const char* part) { return fmt::format("blk.{}.{}.weight", layer, part); };
  const auto norm = [&](const char* part) { return importer.norm(backend, name(part)); };
  const auto matrix = [&](const char* part) { return importer.matrix(backend, name(part)); };
  LayerWeights w;
  w.pre_attention_norm = norm("attn_norm");
  w.q_proj = matrix("attn_q");
  w.k_proj = matrix("attn_k");
  w.v_proj = matrix("attn_v");
  w.o_proj = matrix("attn_output");
  w.post_attention_norm = norm("post_attention_norm");
  w.pre_ffn_norm = norm("ffn_norm");
  w.gate_proj = matrix("ffn_gate");
  w.up_proj = matrix("ffn_up");
  w.down_proj = matrix("ffn_down");
  w.post_ffn_norm = norm("post_ffw_norm");
  return w;
}

}  // namespace

std::size_t Weights::bytes() const noexcept {
  std::size_t total = embedding.bytes + final_norm.bytes;
  if (head.data != embedding.data) total += head.bytes;
  for (const LayerWeights& w : layers) {
    for (const Weight* part :
         {&w.pre_attention_norm, &w.q_proj, &w.k_proj, &w.v_proj, &w.o_proj, &w.post_attention_norm,
          &w.pre_ffn_norm, &w.gate_proj, &w.up_proj, &w.down_proj, &w.post_ffn_norm}) {
      total += part->bytes;
    }
  }
  return total;
}

Weights import_weights(std::span<const Segment> segments, const Checkpoint& checkpoint,
                       const std::function<void(double)>& progress) {
  constexpr const char* kTable = "token_embd.weight";
  Backend& first = *segments.front().backend;
  Backend& last = *segments.back().backend;
  std::uint64_t total = 0;
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    total += tensor.bytes * (tensor.name == kTable && &first != &last ? 2 : 1);
  }
  Importer importer(checkpoint, progress, total);
  Weights weights;
  weights.embedding = importer.matrix(first, kTable);
  for (const Segment& segment : segments) {
    for (int i = segment.first_layer; i < segment.end_layer; ++i) {
      weights.layers.push_back(import_layer(importer, *segment.backend, i));
    }
  }
  weights.final_norm = importer.norm(last, "output_norm.weight");
  weights.head = &first == &last ? weights.embedding : importer.matrix(last, kTable, true);
  weights.digest = importer.digest();
  return weights;
}

}  // namespace gemma2
