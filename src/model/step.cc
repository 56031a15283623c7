// SPDX-License-Identifier: Apache-2.0
//
// Entries of a step -> passes over the weights. Rows of all entries stand one after another and are
// cut into passes of at most prefill_chunk rows; where the cuts fall changes no bit.
#include <algorithm>
#include <mutex>
#include <vector>

#include "gemma2/session.h"

#include "check.h"
#include "model/session_state.h"

namespace gemma2 {
namespace {

constexpr int kMaxLogitRows = 64;  // of one entry: 64 MB of float32 for the real vocabulary

void check_entry(const StepEntry& entry, const Engine* engine) {
  require(entry.session != nullptr, ErrorCode::invalid_argument,
          "step: expected a session in each entry, found none");
  const Session::State& state = entry.session->state();
  require(state.model.engine().get() == engine, ErrorCode::invalid_argument,
          "step: expected sessions of one model, found several");
  require(!entry.tokens.empty(), ErrorCode::invalid_argument,
          "step: expected at least one token, found none");
  const int vocab_size = state.model.config().vocab_size;
  for (const TokenId token : entry.tokens) {
    require(token >= 0 && token < vocab_size, ErrorCode::invalid_argument,
            "step: expected token ids from 0 to {}, found {}", vocab_size - 1, token);
  }
  const KvCache& cache = state.cache;
  require(
      entry.tokens.size() <= static_cast<std::size_t>(cache.context_length() - cache.position()),
      ErrorCode::invalid_argument,
      "context: expected at most {} tokens, found {} cached and {} to add", cache.context_length(),
      cache.position(), entry.tokens.size());
  require(entry.logits != WantLogits::all || entry.tokens.size() <= kMaxLogitRows,
          ErrorCode::invalid_argument, "step: expected at most {} tokens with all logits, found {}",
          kMaxLogitRows, entry.tokens.size());
}

void check_entries(std::span<const StepEntry> entries) {
  require(!entries.empty(), ErrorCode::invalid_argument,
          "step: expected at least one entry, found none");
  require(entries.front().session != nullptr, ErrorCode::invalid_argument,
          "step: expected a session in each entry, found none");
  const Engine* engine = entries.front().session->state().model.engine().get();
  std::vector<const Session*> sessions;
  for (const StepEntry& entry : entries) {
    check_entry(entry, engine);
    sessions.push_back(entry.session);
  }
  std::sort(sessions.begin(), sessions.end());
  require(std::adjacent_find(sessions.begin(), sessions.end()) == sessions.end(),
          ErrorCode::invalid_argument,
          "step: expected each session once, found one in several entries");
}

/// Where a row of a step comes from, and where its logits go.
struct RowSource {
  Session::State* state;
  TokenId token;
  int position;
  int logits_row;  // of the session's logits; -1: not wanted
};

std::vector<RowSource> list_rows(std::span<const StepEntry> entries) {
  std::vector<RowSource> rows;
  for (const StepEntry& entry : entries) {
    Session::State& state = entry.session->state();
    const int first = state.cache.position();
    const int count = static_cast<int>(entry.tokens.size());
    for (int i = 0; i < count; ++i) {
      const bool is_last = i == count - 1;
      int logits_row = -1;
      if (entry.logits == WantLogits::all) logits_row = i;
      if (entry.logits == WantLogits::last && is_last) logits_row = 0;
      rows.push_back({&state, entry.tokens[static_cast<std::size_t>(i)], first + i, logits_row});
    }
  }
  return rows;
}

/// One pass over the weights. Returns false if cancelled; then no cache has advanced.
bool run_pass(Engine& engine, std::span<const RowSource> rows, const std::stop_token& cancel) {
  std::vector<TokenId> tokens;
  std::vector<int> positions;
  std::vector<const CacheView*> caches;
  std::vector<int> output_rows;
  for (const RowSource& row : rows) {
    if (row.logits_row >= 0) output_rows.push_back(static_cast<int>(tokens.size()));
    tokens.push_back(row.token);
    positions.push_back(row.position);
    KvCache::State& cache = row.state->cache.state();
    caches.push_back(cache.views.data());
    cache.written = std::max(cache.written, row.position + 1);
  }
  const Step step{tokens, positions, caches, output_rows};
  if (!run_layers(engine.backend(), engine.weights(), engine.activations(), step, cancel)) {
    return false;
  }
  for (const RowSource& row : rows) row.state->cache.state().tokens.push_back(row.token);
  if (output_rows.empty()) return true;
  const Rows logits =
      engine.backend().logits(engine.activations().residual.first(static_cast<int>(rows.size())),
                              engine.weights().final_norm, engine.weights().embedding);
  for (int i = 0; i < logits.rows; ++i) {
    const RowSource& row = rows[static_cast<std::size_t>(output_rows[static_cast<std::size_t>(i)])];
    const std::size_t width = row.state->vocab_size();
    std::copy_n(logits.row(i), width,
                row.state->logits.begin() +
                    static_cast<std::ptrdiff_t>(width * static_cast<std::size_t>(row.logits_row)));
  }
  return true;
}

/// Makes room for the logits that an entry wants; what was there is of an older token.
void reset_logits(const StepEntry& entry) {
  Session::State& state = entry.session->state();
  state.logits_rows = entry.logits == WantLogits::none   ? 0
                      : entry.logits == WantLogits::last ? 1
                                                         : static_cast<int>(entry.tokens.size());
  state.logits.resize(static_cast<std::size_t>(state.logits_rows) * state.vocab_size());
}

/// Drops the entries' logits unless the step finished: half a step leaves none that mean anything.
class LogitsGuard {
 public:
  explicit LogitsGuard(std::span<const StepEntry> entries) : entries_(entries) {}
  LogitsGuard(const LogitsGuard&) = delete;
  LogitsGuard& operator=(const LogitsGuard&) = delete;
  ~LogitsGuard() {
    if (finished_) return;
    for (const StepEntry& entry : entries_) {
      entry.session->state().logits.clear();
      entry.session->state().logits_rows = 0;
    }
  }
  void finish() noexcept { finished_ = true; }

 private:
  std::span<const StepEntry> entries_;
  bool finished_ = false;
};

}  // namespace

bool step(std::span<const StepEntry> entries, const std::stop_token& cancel) {
  check_entries(entries);
  Engine& engine = *entries.front().session->state().model.engine();
  const std::scoped_lock lock(engine.step_mutex());
  const std::vector<RowSource> rows = list_rows(entries);
  LogitsGuard guard(entries);
  for (const StepEntry& entry : entries) reset_logits(entry);
  const auto chunk = static_cast<std::size_t>(engine.prefill_chunk());
  for (std::size_t begin = 0; begin < rows.size(); begin += chunk) {
    const auto pass = std::span(rows).subspan(begin, std::min(chunk, rows.size() - begin));
    if (!run_pass(engine, pass, cancel)) return false;
  }
  guard.finish();
  return true;
}

}  // namespace gemma2
