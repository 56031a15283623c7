// SPDX-License-Identifier: Apache-2.0
//
// The CPU behind the device seam: verbs become loops over packed strips, rows or heads, split
// among threads by output and never along a sum.
#pragma once

#include <string>
#include <vector>

#include "aligned_buffer.h"
#include "kernels/backend.h"
#include "kernels/cpu/cpu_cache.h"
#include "kernels/cpu/kernel_table.h"
#include "thread_pool.h"

namespace gemma2::cpu {

class CpuBackend final : public Backend {
 public:
  CpuBackend(const ModelConfig& config, const BackendOptions& options);

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] int num_threads() const noexcept override { return pool_.num_threads(); }

  [[nodiscard]] Weight import_weight(const TensorView& stored,
                                     void (*consumed)(void*, std::span<const std::byte>),
                                     void* context) override;
  [[nodiscard]] Weight import_vector(std::span<const float> values) override;
  [[nodiscard]] Rows allocate_rows(int max_rows, int cols) override;

  [[nodiscard]] CacheView allocate_cache(int capacity, DType type) override;
  void release_cache(const CacheView& cache) noexcept override;
  void read_cache(std::span<std::byte> to, const CacheView& from, int first, int last) override;
  void write_cache(const CacheView& to, std::span<const std::byte> from, int first,
                   int last) override;

  void begin_step(const Step& step) override;
  void embed(Rows out, const Weight& table) override;
  void rms_norm(Rows out, Rows x, const Weight& scale) override;
  void rms_norm_add(Rows residual, Rows x, const Weight& scale) override;
  void matmul(Rows out, Rows x, std::span<const Weight> stacked) override;
  void matmul_geglu(Rows out, Rows x, const Weight& gate, const Weight& up) override;
  void rope_append(Rows qkv, int layer) override;
  void attention(Rows out, Rows qkv, int layer) override;
  [[nodiscard]] Rows logits(Rows x, const Weight& final_norm, const Weight& head) override;

 private:
  using MatmulEntry = void (*)(float*, std::size_t, const Strips&, const Columns&) noexcept;

  /// A product as the kernels see it: which entry, and the activations in its layout.
  struct Product {
    MatmulEntry entry;
    Strips strips;  // all of the weight
    int rows;       // outputs; the last strip may have fewer than 16
    Columns columns;
  };
  [[nodiscard]] Product prepare(const Weight& weight, Rows x);
  [[nodiscard]] Columns convert(Rows x, InputLayout layout);
  void subtract_quantized(float* rest, const float* x, int n) const noexcept;
  static void run_product(const Product& product, int first_strip, int last_strip, float* out,
                          std::size_t out_stride) noexcept;
  static void run_block(const Product& product, int first_strip, int last_strip,
                        const Columns& columns, float* out, std::size_t out_stride) noexcept;
  void run_products(std::span<const Product> products, Rows out);

  struct AttentionItem {
    int first_row;  // of the step; the item's rows belong to one sequence, positions ascending
    int last_row;
    int kv_head;
  };
  void attend(const AttentionItem& item, Rows out, Rows qkv, int layer) const noexcept;

  template <typename Body>
  void for_each_row(int rows, const Body& body) {
    pool_.parallel_for(rows, 1, [&](int first, int last) {
      for (int i = first; i < last; ++i) body(i);
    });
  }

  ModelConfig config_;
  BackendOptions options_;
  KernelTable table_;
  std::string name_;
  CacheGeometry geometry_;
  std::vector<AlignedBuffer> storage_;  // weights and activations, until the backend goes
  ThreadPool pool_;

  Step step_;
  std::vector<float> rope_angles_;        // [rows][head_dim]: cosines, then sines
  std::vector<double> rope_frequencies_;  // [head_dim / 2]
  std::vector<AttentionItem> attention_items_;
  AlignedBuffer converted_[2];  // activations as bf16 and as 8-bit blocks
  AlignedBuffer final_rows_;    // the output rows, normed
  AlignedBuffer logits_;
};

}  // namespace gemma2::cpu
