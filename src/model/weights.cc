// SPDX-License-Identifier: Apache-2.0
#include "model/weights.h"

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "available_memory.h"
#include "model/digest.h"
#include "quant/formats.h"

namespace gemma2 {
namespace {

/// A smaller weight type is only advice for matrices that are not in the smallest already.
const char* advice_for(const Checkpoint& checkpoint) {
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    if (tensor.shape.size() == 2 && tensor.type != DType::q6_k) {
      return "quantized to a smaller type (q8_0, q6_k) they take less";
    }
  }
  return "a smaller model takes less";
}

class Importer {
 public:
  Importer(Backend& backend, const Checkpoint& checkpoint,
           const std::function<void(double)>& progress)
      : backend_(backend), checkpoint_(checkpoint), progress_(progress) {
    for (const TensorInfo& tensor : checkpoint.tensors()) total_ += tensor.bytes;
    // Kernels read strips, not what files hold, so there is no way around a packed copy. It takes
    // what the stored weights do, to within a percent, or less: which BF16 matrices fit in 12 bits
    // is only known once they are read.
    require_memory(total_, "the weights", advice_for(checkpoint));
  }

  Weight matrix(const std::string& name) {
    const TensorView stored = checkpoint_.matrix(name);
    digest_.add(static_cast<std::uint64_t>(stored.type));
    digest_.add_sampled({stored.data, static_cast<std::size_t>(stored.rows) *
                                          row_bytes(format_of(stored.type), stored.cols)});
    return backend_.import_weight(
        stored,
        [](void* self, std::span<const std::byte> range) {
          static_cast<Importer*>(self)->consumed(range);
        },
        this);
  }
  Weight norm(const std::string& name) {
    const std::vector<float> values = checkpoint_.norm(name);
    digest_.add(std::as_bytes(std::span(values)));
    return backend_.import_vector(values);
  }
  [[nodiscard]] std::uint64_t digest() const noexcept { return digest_.value(); }

 private:
  void consumed(std::span<const std::byte> range) {
    checkpoint_.release(range);
    done_ += range.size();
    if (progress_) progress_(static_cast<double>(done_) / static_cast<double>(total_));
  }

  Backend& backend_;
  const Checkpoint& checkpoint_;
  const std::function<void(double)>& progress_;
  Digest digest_;
  std::size_t total_ = 0;
  std::size_t done_ = 0;
};

LayerWeights import_layer(Importer& importer, int layer) {
  const auto name = [&](const char* part) { return fmt::format("blk.{}.{}.weight", layer, part); };
  LayerWeights w;
  w.pre_attention_norm = importer.norm(name("attn_norm"));
  w.q_proj = importer.matrix(name("attn_q"));
  w.k_proj = importer.matrix(name("attn_k"));
  w.v_proj = importer.matrix(name("attn_v"));
  w.o_proj = importer.matrix(name("attn_output"));
  w.post_attention_norm = importer.norm(name("post_attention_norm"));
  w.pre_ffn_norm = importer.norm(name("ffn_norm"));
  w.gate_proj = importer.matrix(name("ffn_gate"));
  w.up_proj = importer.matrix(name("ffn_up"));
  w.down_proj = importer.matrix(name("ffn_down"));
  w.post_ffn_norm = importer.norm(name("post_ffw_norm"));
  return w;
}

}  // namespace

std::size_t Weights::bytes() const noexcept {
  std::size_t total = embedding.bytes + final_norm.bytes;
  for (const LayerWeights& w : layers) {
    for (const Weight* part :
         {&w.pre_attention_norm, &w.q_proj, &w.k_proj, &w.v_proj, &w.o_proj, &w.post_attention_norm,
          &w.pre_ffn_norm, &w.gate_proj, &w.up_proj, &w.down_proj, &w.post_ffn_norm}) {
      total += part->bytes;
    }
  }
  return total;
}

Weights import_weights(Backend& backend, const Checkpoint& checkpoint,
                       const std::function<void(double)>& progress) {
  Importer importer(backend, checkpoint, progress);
  Weights weights;
  weights.embedding = importer.matrix("token_embd.weight");
  const int num_layers = checkpoint.config().num_layers;
  weights.layers.reserve(static_cast<std::size_t>(num_layers));
  for (int i = 0; i < num_layers; ++i) weights.layers.push_back(import_layer(importer, i));
  weights.final_norm = importer.norm("output_norm.weight");
  weights.digest = importer.digest();
  return weights;
}

}  // namespace gemma2
