// SPDX-License-Identifier: Apache-2.0
//
// The CPU behind the device seam: verbs become phases, loops over packed strips, rows or heads that
// are split among threads by output and never along a sum. Phases are queued and run by finish()
// in one parallel region.
//
// Of a few rows (decoding), the norms, sums and conversions before a product are no phases of their
// own: each thread that takes part in the product does them again for itself, which costs less than
// handing the row over. That leaves six phases a layer: QKV, RoPE, attention, output, gate and up,
// down.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "aligned_buffer.h"
#include "kernels/backend.h"
#include "kernels/cpu/attention_plan.h"
#include "kernels/cpu/best_search.h"
#include "kernels/cpu/cpu_cache.h"
#include "kernels/cpu/kernel_table.h"
#include "thread_pool.h"

namespace gemma2::cpu {

class CpuBackend : public Backend {
 public:
  CpuBackend(const ModelConfig& config, const BackendOptions& options);

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] int num_threads() const noexcept override { return pool_.num_threads(); }

  [[nodiscard]] Weight import_weight(const TensorView& stored,
                                     void (*consumed)(void*, std::span<const std::byte>),
                                     void* context) override;
  [[nodiscard]] Weight import_vector(std::span<const float> values) override;
  [[nodiscard]] Rows allocate_rows(int max_rows, int cols) override;
  void read_row(float* to, Rows from, int row) override;
  void read_rows(float* to, Rows from) override;
  void write_rows(Rows to, const float* from) override;

  [[nodiscard]] CacheView allocate_cache(int capacity, CacheFormat format) override;
  void release_cache(const CacheView& cache) noexcept override;
  void read_cache(std::span<std::byte> to, const CacheView& from, int first, int last) override;
  void write_cache(const CacheView& to, std::span<const std::byte> from, int first,
                   int last) override;
  void copy_cache(const CacheView& to, const CacheView& from, int first, int last) override;

  [[nodiscard]] std::uint64_t free_memory() const override;
  [[nodiscard]] std::size_t weight_bytes(DType type, int rows, int cols) const override;
  [[nodiscard]] std::size_t cache_bytes(int capacity, CacheFormat format) const override;
  [[nodiscard]] std::size_t step_bytes() const override;

  void begin_step(const Step& step) override;
  void embed(Rows out, const Weight& table) override;
  void rms_norm(Rows out, Rows x, const Weight& scale) override;
  void rms_norm_add(Rows residual, Rows x, const Weight& scale) override;
  void matmul(Rows out, Rows x, std::span<const Weight> stacked) override;
  void matmul_geglu(Rows out, Rows x, const Weight& gate, const Weight& up) override;
  void rope_append(Rows qkv, int layer) override;
  void attention(Rows out, Rows qkv, int layer) override;
  void logits(Rows x, const Weight& final_norm, const Weight& head) override;
  void finish() override;

 private:
  using MatmulEntry = void (*)(float*, std::size_t, const Strips&, const Columns&) noexcept;

  /// residual += rms_norm(x), not done yet.
  struct PendingAdd {
    Rows residual;
    Rows x;
    const float* scale = nullptr;  // null: none pending
  };
  /// out = rms_norm(x), not done yet.
  struct PendingNorm {
    Rows out;
    Rows x;
    const float* scale = nullptr;
  };

  /// Activations on their way into a product.
  struct Input {
    InputLayout layout;
    Columns shared;        // of many rows: converted by a phase before
    Rows x;                // of few rows: where a thread begins ...
    PendingAdd add;        // ... what it adds, if anything ...
    const float* norm;     // ... and what it norms with, if anything, before it converts
    float* sum_to;         // where one thread stores x + add for later phases; null: nowhere
    std::uint64_t ticket;  // tells a thread whether it has prepared this input
  };

  /// A product as the kernels see it: which entry, and the activations in its layout.
  struct Product {
    MatmulEntry entry;
    Strips strips;  // all of the weight
    int rows;       // outputs; the last strip may have fewer than 16
    Input input;
  };
  static constexpr std::size_t kMaxStacked = 3;
  struct ProductStack {
    Product product[kMaxStacked];
    std::size_t count = 0;
    [[nodiscard]] int strips() const noexcept;
  };

  /// What a thread has made for itself of the input with this ticket.
  struct Worker {
    AlignedBuffer rows;       // [kPrivateRows] sums, then as many normed rows
    AlignedBuffer converted;  // columns
    Columns columns{};
    std::uint64_t ticket = 0;
  };

  void enqueue(Phase phase) { queue_.push_back(std::move(phase)); }
  template <typename Body>
  void enqueue_rows(int rows, Body body) {
    enqueue({rows, 1, [body](int first, int last, int) {
               for (int i = first; i < last; ++i) body(i);
             }});
  }
  void run_queue();

  // cpu_input.cc
  [[nodiscard]] Input make_input(Rows x, InputLayout layout);
  [[nodiscard]] Columns convert(Rows x, InputLayout layout);
  void convert_row(std::byte* to, const float* x, int n, InputLayout layout) const noexcept;
  void consume_pending(Rows x) noexcept;
  void settle_pending();
  void reserve_workers(int stride);
  [[nodiscard]] Rows located(Rows x) const noexcept;
  [[nodiscard]] float* other_residual() noexcept;
  [[nodiscard]] const Columns& columns(const Input& input, int thread, bool stores) noexcept;
  void prepare_row(Worker& worker, const Input& input, int row, bool stores) noexcept;

  // cpu_matmul.cc
  [[nodiscard]] const FormatKernels& weight_kernels(const Weight& weight) const noexcept {
    return weight.twelve_bits ? table_.bf16_12 : table_.format[static_cast<int>(weight.type)];
  }
  [[nodiscard]] Product prepare(const Weight& weight, Rows x);
  [[nodiscard]] Product product_of(const Weight& weight, const Input& input) const;
  static void prefetch(const Strips& strips, const std::function<bool()>& wanted);
  static void run_product(const Product& product, int first_strip, int last_strip,
                          const Columns& columns, float* out, std::size_t out_stride) noexcept;
  static void run_block(const Product& product, int first_strip, int last_strip,
                        const Columns& columns, float* out, std::size_t out_stride) noexcept;
  void run_stack(const ProductStack& stack, Rows out, int first, int last, int thread) noexcept;
  void run_geglu(const Product& gate, const Product& up, Rows out, int block, int thread) noexcept;

  // cpu_head.cc
  [[nodiscard]] Rows norm_outputs(Rows x, const Weight& final_norm, bool twice);
  void subtract_quantized(float* rest, const float* x, int n) const noexcept;
  [[nodiscard]] bool select_strips(int count);
  void ban_all(int vocab_size);
  [[nodiscard]] int strip_at(int index) const noexcept;
  void run_head(const Product& product, int first, int last, int thread) noexcept;
  void head_block(const Product& product, const Columns& columns, int first_strip,
                  int strips) noexcept;
  void finish_output(std::size_t output, float* raw, TokenId first, int count) noexcept;

  [[nodiscard]] const AttentionPlan& plan_of(int layer) const noexcept {
    return attention_plans_[static_cast<int>(config_.layer_kind(layer))];
  }
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
  bool twelve_bits_;  // BF16 weights shall have them
  std::string name_;
  CacheGeometry geometry_;
  std::vector<AlignedBuffer> storage_;  // weights and activations, until the backend goes
  ThreadPool pool_;

  Step step_;
  std::vector<Phase> queue_;
  PendingAdd add_;
  PendingNorm norm_;
  // Of few rows, the residual moves between its own place and `spare_residual_`: who adds reads one
  // and writes the other, so that a thread that comes late still finds what it needs.
  float* residual_home_ = nullptr;
  float* residual_now_ = nullptr;
  AlignedBuffer spare_residual_;
  std::vector<Worker> workers_;
  std::uint64_t last_ticket_ = 0;

  std::vector<float> rope_angles_;        // [rows][head_dim]: cosines, then sines
  std::vector<double> rope_frequencies_;  // [head_dim / 2]
  AttentionPlan attention_plans_[2];      // of local and of global layers
  AlignedBuffer converted_[2];            // activations as bf16 and as 8-bit blocks
  AlignedBuffer final_rows_;              // the output rows, normed
  bool selects_strips_ = false;           // of the head: only wanted_strips_ are computed
  std::vector<int> wanted_strips_;
  std::deque<BestSearch> searches_;  // one for each output row
};

}  // namespace gemma2::cpu
