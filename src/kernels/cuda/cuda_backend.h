// SPDX-License-Identifier: Apache-2.0
//
// An NVIDIA card behind the device seam. Verbs are queued as kernels to launch; finish() and
// logits() hand the queue to the card's stream.
//
// Of few rows (decoding) the norms before a product are part of its kernel, and so are RoPE and the
// cache's writes behind it: five kernels a layer. Of many rows each verb is a kernel. The bits are
// the same. Activations are float32 between layers (residual, queries, products); what a product
// reads (normed, attended, hidden) is bf16 tiles, in the memory of the Rows that the verb names.
#pragma once

#include <string>
#include <vector>

#include "gemma2/error.h"

#include "kernels/backend.h"
#include "kernels/cuda/bf16_weights.h"
#include "kernels/cuda/card.h"
#include "kernels/cuda/cuda_head.h"
#include "kernels/cuda/families.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch_queue.h"
#include "kernels/cuda/step_table.h"
#include "kernels/cuda/weight_upload.h"

namespace gemma2::cuda {

class CudaBackend final : public Backend {
 public:
  CudaBackend(const ModelConfig& config, const BackendOptions& options);
  CudaBackend(const CudaBackend&) = delete;
  CudaBackend& operator=(const CudaBackend&) = delete;
  ~CudaBackend() override;

  [[nodiscard]] std::string_view name() const noexcept override { return name_; }
  [[nodiscard]] int num_threads() const noexcept override { return 1; }

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

  /// For measurements: see LaunchQueue::watch.
  void watch(cudaEvent_t begin, cudaEvent_t end) noexcept { queue_.watch(begin, end); }

 private:
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

  // cuda_products.cc
  [[nodiscard]] Product make_product(Rows x, std::span<const Weight> stacked);
  void flush_product();
  void multiply(Product work);
  void multiply_many(const Product& work);
  void multiply_unpacked(const Product& work);
  void enqueue_few(const Product& work);
  void enqueue_some(const Product& work);
  void enqueue_many(const Product& work);
  [[nodiscard]] bool norms_inside(const Product& work) const;
  void take_norm(Product& work);
  void norm_outside(Product& work);

  // cuda_residual.cc
  void begin_residual(const Rows& rows) noexcept;
  [[nodiscard]] FloatRows located(const Rows& rows) const noexcept;
  void settle_add();
  void settle_norm();
  void enqueue_add_norm(const AddNorm& work);

  // cuda_attention.cc
  [[nodiscard]] AttentionShape shape_of(int layer, CacheFormat format) const noexcept;
  [[nodiscard]] RopeAppend rope_of(const Product& work, int layer) const noexcept;
  void reserve_angles(int positions);
  void reserve_attention(const TileList& few, CacheFormat format);
  void attend(const Attention& work, const TileList& list, int layer, bool many_rows);

  void multiply_head(std::span<const OutputRow> outputs, const int* row_of, Rows x,
                     const Weight& final_norm, const Weight& head);

  void move_cache(std::byte* rows, const CacheView& cache, int first, int last, bool to_card);

  /// work(), and once more with the memory of what is only there for speed if it ran out. Whatever
  /// it moved, nothing recorded before holds then.
  template <typename Work>
  auto with_room(Work work);
  [[nodiscard]] bool make_room();
  [[nodiscard]] CardBuffer allocate(std::size_t bytes, const char* what);
  void fill_zero(const CardBuffer& buffer);

  /// Any thread may call next, so whatever can be the first call of one says which card it means.
  class ChosenCard {
   public:
    explicit ChosenCard(int index) : index_(index) { use(); }
    void use() const { use_card(index_); }

   private:
    int index_;
  };

  ChosenCard card_;  // first: all that follows is on it
  ModelConfig config_;
  BackendOptions options_;
  BlockLimits limits_;
  bool early_starts_ = false;  // kernels may start before the one in front has ended
  Families hopper_;            // kernels of Hopper's own that may be used
  std::string name_;
  Stream stream_;
  std::vector<CardBuffer> storage_;  // weights and activations, until the backend goes
  WeightUpload upload_;
  Bf16Weights bf16_weights_;
  StepTable table_;
  LaunchQueue queue_;
  CudaHead head_;
  Event finished_[2];  // of the last two finish(): how far the host may run ahead
  unsigned finishes_ = 0;

  Step step_;
  bool few_rows_ = false;  // of the step: they come again, as decoding does
  CardBuffer angles_;      // [positions][head_dim]: cosines, then sines
  int num_angles_ = 0;

  PendingAdd add_;
  PendingNorm norm_;
  Product product_;  // queries, keys and values that may be rotated yet; no rows: none pending
  // Of few rows, the residual moves between its own place and `spare_residual_`, as every block of
  // a product reads the one while one block writes the other.
  float* residual_home_ = nullptr;
  float* residual_now_ = nullptr;
  CardBuffer spare_residual_;
  PinnedBuffer border_;  // residual rows on their way from another backend, or to one
  int residual_stride_ = 0;

  CardBuffer attention_sums_;
  CardBuffer attention_counters_;
  CardBuffer head_tiles_;  // output rows, normed
};

template <typename Work>
auto CudaBackend::with_room(Work work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::out_of_memory || !make_room()) throw;
    return work();
  }
}

}  // namespace gemma2::cuda
