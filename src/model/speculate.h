// SPDX-License-Identifier: Apache-2.0
//
// Decoding that looks ahead. The loop of generate() says one token after the other and reads the
// logits after each, as it would of a plain session; underneath, a token that an earlier passage
// suggests a continuation for is run through the model together with that draft, in one step. As
// long as the loop then says what was drafted, the logits are there already.
//
// So sampling, penalties, stop texts and limits are those of plain decoding by construction: this
// class decides only when the model runs, and rows of a step do not depend on each other.
//
// What a draft may cost is time, nothing else:
//  - A step has at most prefill_chunk rows, and every local ring holds the window plus a chunk less
//    one. Its last position p + rows - 1 destroys p + rows - 1 - capacity <= p - window at most,
//    while everything after p (which was said and stays) needs keys from p + 1 - window + 1 on. A
//    draft can thus never overwrite a key that is still needed, and the rewind always succeeds.
//  - What it did overwrite, CacheUndo puts back.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "gemma2/session.h"

#include "model/cache_undo.h"
#include "model/draft_length.h"
#include "model/ngram_index.h"

namespace gemma2 {

/// A step gives at most 64 rows of logits, and the first is of the token said last.
inline constexpr int kMaxDraft = 63;

class SpeculativeDecoder {
 public:
  /// `context`: what the session holds or is about to hold. max_draft 0: plain decoding.
  /// `results`, last or best: what is wanted after each token.
  SpeculativeDecoder(Session& session, TokenSpan context, int max_draft, WantLogits results);
  SpeculativeDecoder(const SpeculativeDecoder&) = delete;
  SpeculativeDecoder& operator=(const SpeculativeDecoder&) = delete;
  ~SpeculativeDecoder();  // leaves the session where plain decoding would

  /// Session::decode. `wanted`: how many tokens may follow this one; drafts do not go beyond.
  /// A mask is for plain decoding alone.
  bool decode(TokenId token, int wanted, TokenMask allowed, const std::stop_token& cancel);

  /// Session::logits, Session::best and Session::position, of the token said last.
  [[nodiscard]] std::span<const float> logits() const;
  [[nodiscard]] TokenId best() const;
  [[nodiscard]] int position() const noexcept;

  [[nodiscard]] int drafted() const noexcept { return drafted_; }
  [[nodiscard]] int accepted() const noexcept { return accepted_; }
  [[nodiscard]] int steps() const noexcept { return steps_; }

 private:
  [[nodiscard]] std::vector<TokenId> propose(int wanted);
  bool verify(TokenId token, const std::stop_token& cancel);
  void settle();
  void keep_outputs() noexcept;

  Session& session_;
  int max_draft_;
  WantLogits results_;
  NgramIndex index_;
  DraftLength length_;
  CacheUndo undo_;
  int match_length_ = 0;        // of the draft
  std::vector<TokenId> draft_;  // run through the model; empty: the session is where it seems to be
  int row_ = 0;                 // of the token said last; so draft_[row_] is the one expected next
  int drafted_ = 0;
  int accepted_ = 0;
  int steps_ = 0;
};

}  // namespace gemma2
