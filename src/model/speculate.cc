// SPDX-License-Identifier: Apache-2.0
#include "model/speculate.h"

#include <algorithm>
#include <utility>

#include "model/session_state.h"

namespace gemma2 {

SpeculativeDecoder::SpeculativeDecoder(Session& session, TokenSpan context, int max_draft,
                                       WantLogits results)
    : session_(session),
      max_draft_(std::min(max_draft, session.model().engine()->prefill_chunk() - 1)),
      results_(results),
      length_(max_draft_) {
  if (max_draft_ <= 0) return;
  for (const TokenId token : context) index_.append(token);
}

SpeculativeDecoder::~SpeculativeDecoder() {
  if (draft_.empty()) return;
  keep_outputs();
  try {
    settle();
  } catch (...) {
    // The device failed while a ring was put back. The session is at the right place and sound all
    // the same; it merely can not rewind as far. See CacheUndo::take_back.
  }
}

bool SpeculativeDecoder::decode(TokenId token, int wanted, TokenMask allowed,
                                const std::stop_token& cancel) {
  if (max_draft_ > 0) index_.append(token);
  const bool ahead = row_ < static_cast<int>(draft_.size());
  if (ahead && draft_[static_cast<std::size_t>(row_)] == token && !cancel.stop_requested()) {
    ++row_;
    ++accepted_;
    return true;
  }
  settle();
  draft_ = propose(wanted);
  ++steps_;
  if (draft_.empty()) return session_.decode(token, results_, allowed, cancel);
  return verify(token, cancel);
}

std::vector<TokenId> SpeculativeDecoder::propose(int wanted) {
  if (max_draft_ <= 0) return {};
  const NgramIndex::Match match = index_.find();
  if (match.length == 0) return {};
  match_length_ = match.length;
  // Of n tokens wanted the last one is not drafted: a row of logits is good for the one after it.
  const int count = std::min(length_.choose(match.length), wanted - 1);
  return count > 0 ? index_.continuation(match, count) : std::vector<TokenId>{};
}

/// Runs `token` and the draft in one step. Returns false if cancelled: as Session::decode would.
bool SpeculativeDecoder::verify(TokenId token, const std::stop_token& cancel) {
  const std::vector<TokenId> draft = std::exchange(draft_, {});  // none, should anything throw
  std::vector<TokenId> rows = {token};
  rows.insert(rows.end(), draft.begin(), draft.end());
  const int first = session_.position();
  KvCache::State& cache = session_.state().cache.state();
  undo_.remember(cache, first, first + static_cast<int>(rows.size()));
  const bool best = results_ == WantLogits::best;
  const StepEntry entry{&session_, rows, best ? WantLogits::all_best : WantLogits::all};
  bool finished = false;
  try {
    finished = step({&entry, 1}, cancel);
  } catch (...) {
    undo_.take_back(cache, first + 1);
    throw;
  }
  if (!finished) {
    undo_.take_back(cache, first + 1);
    return false;
  }
  drafted_ += static_cast<int>(draft.size());
  draft_ = draft;
  return true;
}

/// Ends the look ahead: the session forgets what was drafted and not said.
void SpeculativeDecoder::settle() {
  if (draft_.empty()) return;
  const auto drafted = static_cast<int>(std::exchange(draft_, {}).size());
  const int said = std::exchange(row_, 0);
  length_.record(match_length_, drafted, said);
  KvCache::State& cache = session_.state().cache.state();
  const int kept = static_cast<int>(cache.tokens.size()) - (drafted - said);
  cache.tokens.resize(static_cast<std::size_t>(kept));
  if (said < drafted) undo_.take_back(cache, kept);
}

/// Makes what the step left for the token said last the session's only result.
void SpeculativeDecoder::keep_outputs() noexcept {
  Session::State& state = session_.state();
  const auto row = static_cast<std::size_t>(row_);
  state.outputs.front() = state.outputs[row];
  state.outputs.resize(1);
  if (state.logits.empty()) return;
  const std::size_t width = state.vocab_size();
  std::copy_n(state.logits.begin() + static_cast<std::ptrdiff_t>(row * width), width,
              state.logits.begin());
  state.logits.resize(width);
}

std::span<const float> SpeculativeDecoder::logits() const {
  if (draft_.empty() || session_.state().logits.empty()) return std::as_const(session_).logits();
  return session_.logits(row_);
}

TokenId SpeculativeDecoder::best() const {
  return draft_.empty() ? session_.best() : session_.best(row_);
}

int SpeculativeDecoder::position() const noexcept {
  return session_.position() - (static_cast<int>(draft_.size()) - row_);
}

}  // namespace gemma2
