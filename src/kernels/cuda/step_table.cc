// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/step_table.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace gemma2::cuda {
namespace {

/// Runs of at least so many rows are worth tiles of many rows.
constexpr int kManyRows = 16;

std::size_t take(std::size_t& end, std::size_t bytes) {
  constexpr std::size_t kAlignment = 16;
  const std::size_t begin = end;
  end += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  return begin;
}

/// Chunks from the first position seen to the last, as launch_attention_few counts them.
int chunks_of(const QueryTile& tile, int window) {
  const int last = tile.first_position + tile.rows - 1;
  const int first = window == 0 ? 0 : std::max(0, tile.first_position - window + 1);
  return last / kAttentionChunk - first / kAttentionChunk + 1;
}

}  // namespace

StepTable::StepTable(const ModelConfig& config) : config_(config) {}

void StepTable::add_run(const Step& step, int first, int rows) {
  const CacheFormat format = step.caches[static_cast<std::size_t>(first)][0].format;
  const bool many = rows >= kManyRows && !few_rows_alone_;
  AttentionShape shape;
  shape.num_heads = config_.num_heads;
  shape.num_kv_heads = config_.num_kv_heads;
  const bool own_size = many && format == CacheFormat::bf16 && most_bf16_rows_ != 0;
  const int most = own_size ? most_bf16_rows_ : max_tile_rows(shape, many);
  for (int row = first; row < first + rows; row += most) {
    cut_[list_index(many, format)].push_back(
        {row, std::min(most, first + rows - row), step.positions[static_cast<std::size_t>(row)]});
  }
  all_bf16_ = all_bf16_ && format == CacheFormat::bf16;
}

/// Rows of one sequence at consecutive positions attend together.
void StepTable::cut_into_tiles(const Step& step) {
  for (auto& tiles : cut_) tiles.clear();
  all_bf16_ = true;
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= step.tokens.size(); ++i) {
    const bool goes_on = i < step.tokens.size() && step.caches[i] == step.caches[i - 1] &&
                         step.positions[i] == step.positions[i - 1] + 1;
    if (goes_on) continue;
    add_run(step, static_cast<int>(begin), static_cast<int>(i - begin));
    begin = i;
  }
}

std::size_t StepTable::lay_out(const Step& step) {
  std::size_t end = 0;
  const std::size_t rows = step.tokens.size();
  tokens_ = take(end, rows * sizeof(int));
  positions_ = take(end, rows * sizeof(int));
  output_rows_ = take(end, step.output_rows.size() * sizeof(int));
  caches_ = take(end, rows * static_cast<std::size_t>(config_.num_layers) * sizeof(CachePlace));
  for (std::size_t i = 0; i < cut_.size(); ++i) {
    lists_at_[i] = take(end, cut_[i].size() * sizeof(QueryTile));
  }
  return end;
}

bool StepTable::fill(const Step& step, const Stream& stream) {
  rows_ = static_cast<int>(step.tokens.size());
  cut_into_tiles(step);
  const std::size_t bytes = lay_out(step);
  const bool fits = bytes <= card_.size();
  if (!fits) {
    const std::size_t room = std::bit_ceil(bytes);
    // Both or none: the size of one is taken for the other's.
    CardBuffer card(room, "the table of a step");
    host_ = PinnedBuffer(room, "the table of a step");
    card_ = std::move(card);
  }
  std::copy(step.tokens.begin(), step.tokens.end(), host_at<int>(tokens_));
  std::copy(step.positions.begin(), step.positions.end(), host_at<int>(positions_));
  std::transform(step.output_rows.begin(), step.output_rows.end(), host_at<int>(output_rows_),
                 [](const OutputRow& output) { return output.row; });
  auto* caches = host_at<CachePlace>(caches_);
  for (int layer = 0; layer < config_.num_layers; ++layer) {
    for (const CacheView* views : step.caches) {
      const CacheView& view = views[layer];
      *caches++ = {view.keys, view.values, view.capacity, view.format};
    }
  }
  for (std::size_t i = 0; i < cut_.size(); ++i) {
    const std::vector<QueryTile>& tiles = cut_[i];
    std::copy(tiles.begin(), tiles.end(), host_at<QueryTile>(lists_at_[i]));
    TileList& list = lists_[i];
    list = {at<QueryTile>(lists_at_[i]), static_cast<int>(tiles.size()), {}};
    for (const LayerKind kind : {LayerKind::local, LayerKind::global}) {
      int& most = list.max_chunks[static_cast<int>(kind)];
      const int window = kind == LayerKind::local ? config_.sliding_window : 0;
      for (const QueryTile& tile : tiles) most = std::max(most, chunks_of(tile, window));
    }
  }
  require_success(
      cudaMemcpyAsync(card_.data(), host_.data(), bytes, cudaMemcpyHostToDevice, stream.get()),
      "copy the table of a step");
  return fits;
}

}  // namespace gemma2::cuda
