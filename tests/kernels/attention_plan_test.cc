// SPDX-License-Identifier: Apache-2.0
//
// However a step's attention is cut, every chunk that a row sees is walked once for every head.
#include "kernels/cpu/attention_plan.h"

#include <map>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

namespace gemma2 {
namespace {

using cpu::AttentionItem;
using cpu::AttentionPlan;

ModelConfig make_config(int heads, int kv_heads, int head_dim) {
  ModelConfig config;
  config.num_heads = heads;
  config.num_kv_heads = kv_heads;
  config.head_dim = head_dim;
  config.sliding_window = 1000;
  return config;
}

/// Rows of one sequence, or of two.
struct Rows {
  std::vector<int> positions;
  std::vector<const CacheView*> caches;
  CacheView views[2];
  void add(int sequence, int first, int count) {
    for (int i = 0; i < count; ++i) {
      positions.push_back(first + i);
      caches.push_back(&views[sequence]);
    }
  }
  [[nodiscard]] Step step() const {
    return {.tokens = {}, .positions = positions, .caches = caches, .output_rows = {}};
  }
};

void expect_all_walked_once(const Rows& rows, const ModelConfig& config, LayerKind kind,
                            int threads) {
  AttentionPlan plan;
  plan.prepare(rows.step(), config, kind, threads);
  std::map<std::tuple<int, int, int>, int> walked;  // row, head, chunk
  for (int i = 0; i < plan.count(); ++i) {
    const AttentionItem& item = plan.item(i);
    ASSERT_EQ(rows.caches[static_cast<std::size_t>(item.first_row)],
              rows.caches[static_cast<std::size_t>(item.last_row - 1)]);
    for (int row = item.first_row; row < item.last_row; ++row) {
      for (int chunk = item.first_chunk; chunk < item.last_chunk; ++chunk) {
        ++walked[{row, item.kv_head, chunk}];
      }
    }
  }
  for (int row = 0; row < static_cast<int>(rows.positions.size()); ++row) {
    const int position = rows.positions[static_cast<std::size_t>(row)];
    const int first = cpu::first_visible(config, kind, position) / kAttentionChunk;
    for (int head = 0; head < config.num_kv_heads; ++head) {
      for (int chunk = first; chunk <= position / kAttentionChunk; ++chunk) {
        ASSERT_EQ((walked[{row, head, chunk}]), 1) << row << " " << head << " " << chunk;
      }
    }
  }
}

TEST(AttentionPlan, WalksEveryChunkOfEveryRowOnce) {
  Rows one_token;
  one_token.add(0, 8000, 1);
  Rows prompt;
  prompt.add(0, 3900, 300);
  Rows mixed;
  mixed.add(0, 5, 1);
  mixed.add(1, 2000, 9);
  mixed.add(0, 700, 70);
  for (const Rows* rows : {&one_token, &prompt, &mixed}) {
    for (const auto& config :
         {make_config(8, 4, 256), make_config(6, 1, 1024), make_config(64, 1, 64)}) {
      for (const LayerKind kind : {LayerKind::local, LayerKind::global}) {
        for (const int threads : {1, 2, 7, 64}) {
          expect_all_walked_once(*rows, config, kind, threads);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(AttentionPlan, GivesEveryThreadWorkOnOneToken) {
  Rows rows;
  rows.add(0, 8000, 1);
  AttentionPlan plan;
  for (const int threads : {2, 8, 16}) {
    plan.prepare(rows.step(), make_config(8, 4, 256), LayerKind::global, threads);
    EXPECT_GE(plan.count(), 2 * threads);
  }
}

TEST(AttentionPlan, TellsTheLastPartOfASplitEachTimeAround) {
  Rows rows;
  rows.add(0, 8000, 1);
  AttentionPlan plan;
  plan.prepare(rows.step(), make_config(8, 4, 256), LayerKind::global, 4);
  for (int layer = 0; layer < 3; ++layer) {
    int last = 0;
    for (int i = plan.count() - 1; i >= 0; --i) {
      ASSERT_GE(plan.item(i).split, 0);
      last += plan.finish(plan.item(i)) ? 1 : 0;
    }
    EXPECT_EQ(last, 4);  // one for each key/value head
  }
}

}  // namespace
}  // namespace gemma2
