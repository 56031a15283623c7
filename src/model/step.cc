// SPDX-License-Identifier: Apache-2.0
//
// Entries of a step -> passes over the weights. Rows of all entries stand one after another and are
// cut into passes of at most prefill_chunk rows; where the cuts fall changes no bit.
#include <algorithm>
#include <mutex>
#include <vector>

#include "gemma2/session.h"

#include "check.h"
#include "model/allowed_tokens.h"
#include "model/session_state.h"
#include "model/transformer.h"

namespace gemma2 {
namespace {

/// The rows of an entry whose next tokens are asked for: the last ones.
std::size_t count_outputs(const StepEntry& entry) noexcept {
  switch (entry.logits) {
    case WantLogits::none:
    case WantLogits::hidden:
      return 0;
    case WantLogits::last:
    case WantLogits::best:
      return 1;
    case WantLogits::all:
    case WantLogits::all_best:
      break;
  }
  return entry.tokens.size();
}

bool wants_best(const StepEntry& entry) noexcept {
  return entry.logits == WantLogits::best || entry.logits == WantLogits::all_best;
}

void check_masks(const StepEntry& entry, int vocab_size) {
  require(entry.allowed.empty() || entry.allowed.size() == count_outputs(entry),
          ErrorCode::invalid_argument,
          "allowed: expected one mask for each of {} rows with logits, found {}",
          count_outputs(entry), entry.allowed.size());
  for (const TokenMask mask : entry.allowed) static_cast<void>(count_allowed(mask, vocab_size));
}

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
  check_masks(entry, vocab_size);
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

/// Where a row of a step comes from, and where its result goes.
struct RowSource {
  Session::State* state;
  TokenId token;
  int position;
  bool is_output = false;
  OutputRow output = {};
  float* hidden = nullptr;  // [hidden_size], if wanted
};

/// Gives back the memory of many rows once few are wanted: sessions are kept for long. One row's
/// stays, for most steps of a prompt want none and all of an answer want one.
void resize(std::vector<float>& rows, std::size_t count, std::size_t width) {
  if (rows.capacity() > 2 * std::max(count, std::size_t{1}) * width) {
    std::vector<float>().swap(rows);
  }
  rows.resize(count * width);
}

/// Makes room for what an entry wants; what was there is of an older token.
void reset_outputs(const StepEntry& entry) {
  Session::State& state = entry.session->state();
  const std::size_t count = count_outputs(entry);
  const int vocab_size = state.model.config().vocab_size;
  state.outputs.assign(count, {.allowed = vocab_size});
  for (std::size_t i = 0; i < entry.allowed.size(); ++i) {
    state.outputs[i].allowed = count_allowed(entry.allowed[i], vocab_size);
  }
  resize(state.logits, wants_best(entry) ? 0 : count, state.vocab_size());
  const bool wants_hidden = entry.logits == WantLogits::hidden;
  const auto width = static_cast<std::size_t>(state.model.config().hidden_size);
  resize(state.hidden, wants_hidden ? entry.tokens.size() : 0, width);
}

/// Output `index` of an entry.
OutputRow make_output(const StepEntry& entry, std::size_t index) {
  Session::State& state = entry.session->state();
  OutputRow output;
  if (!entry.allowed.empty()) output.allowed = entry.allowed[index];
  output.best = &state.outputs[index].best;
  if (!wants_best(entry)) output.logits = state.logits.data() + index * state.vocab_size();
  return output;
}

std::vector<RowSource> list_rows(std::span<const StepEntry> entries) {
  std::vector<RowSource> rows;
  for (const StepEntry& entry : entries) {
    Session::State& state = entry.session->state();
    const int first = state.cache.position();
    const std::size_t first_output = entry.tokens.size() - count_outputs(entry);
    for (std::size_t i = 0; i < entry.tokens.size(); ++i) {
      RowSource row = {&state, entry.tokens[i], first + static_cast<int>(i), i >= first_output};
      if (row.is_output) row.output = make_output(entry, i - first_output);
      if (entry.logits == WantLogits::hidden) {
        row.hidden =
            state.hidden.data() + i * static_cast<std::size_t>(state.model.config().hidden_size);
      }
      rows.push_back(row);
    }
  }
  return rows;
}

/// After the layers of a pass: the final norm of all its rows, for those that are wanted.
void keep_hidden(Engine& engine, std::span<const RowSource> rows) {
  const auto is_wanted = [](const RowSource& row) { return row.hidden != nullptr; };
  if (std::none_of(rows.begin(), rows.end(), is_wanted)) return;
  const Segment& last = engine.segments().back();
  const Activations a = last.rows.first(static_cast<int>(rows.size()));
  last.backend->rms_norm(a.normed, a.residual, engine.weights().final_norm);
  last.backend->finish();
  for (int i = 0; const RowSource& row : rows) {
    if (row.hidden != nullptr) last.backend->read_row(row.hidden, a.normed, i);
    ++i;
  }
}

/// One pass over the weights. Returns false if cancelled; then no cache has advanced.
bool run_pass(Engine& engine, std::span<const RowSource> rows, const std::stop_token& cancel) {
  std::vector<TokenId> tokens;
  std::vector<int> positions;
  std::vector<const CacheView*> caches;
  std::vector<OutputRow> output_rows;
  for (const RowSource& row : rows) {
    if (row.is_output) {
      output_rows.push_back(row.output);
      output_rows.back().row = static_cast<int>(tokens.size());
    }
    tokens.push_back(row.token);
    positions.push_back(row.position);
    KvCache::State& cache = row.state->cache.state();
    caches.push_back(cache.views.data());
    cache.written = std::max(cache.written, row.position + 1);
  }
  const Step step{tokens, positions, caches, output_rows};
  if (!run_layers(engine.segments(), engine.border(), engine.weights(), step, cancel)) return false;
  keep_hidden(engine, rows);
  for (const RowSource& row : rows) row.state->cache.state().tokens.push_back(row.token);
  if (output_rows.empty()) return true;
  const Segment& last = engine.segments().back();
  last.backend->logits(last.rows.residual.first(static_cast<int>(rows.size())),
                       engine.weights().final_norm, engine.weights().head);
  return true;
}

/// Drops the entries' logits unless the step finished: half a step leaves none that mean anything.
class LogitsGuard {
 public:
  explicit LogitsGuard(std::span<const StepEntry> entries) : entries_(entries) {}
  LogitsGuard(const LogitsGuard&) = delete;
  LogitsGuard& operator=(const LogitsGuard&) = delete;
  ~LogitsGuard() {
    if (finished_) return;
    for (const StepEntry& entry : entries_) entry.session->state().forget_outputs();
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
  LogitsGuard guard(entries);
  for (const StepEntry& entry : entries) reset_outputs(entry);
  const std::vector<RowSource> rows = list_rows(entries);
  const auto chunk = static_cast<std::size_t>(engine.prefill_chunk());
  for (std::size_t begin = 0; begin < rows.size(); begin += chunk) {
    const auto pass = std::span(rows).subspan(begin, std::min(chunk, rows.size() - begin));
    if (!run_pass(engine, pass, cancel)) return false;
  }
  guard.finish();
  return true;
}

}  // namespace gemma2
