// SPDX-License-Identifier: Apache-2.0
//
// The loop around one answer: prefill what the cache lacks, then say, decode, say.
#include "gemma2/generate.h"

#include <optional>

#include "model/engine.h"
#include "model/generation.h"
#include "model/speculate.h"

namespace gemma2 {
namespace {

/// What may follow a draft is known only once the draft is said, so constrained answers have none.
int max_draft(const GenerateOptions& options) {
  const bool drafts = options.speculate == Speculation::ngram && !is_constrained(options);
  return drafts ? options.draft_tokens : 0;
}

StopReason run(Generation& generation, Session& session, SpeculativeDecoder& decoder,
               const std::stop_token& cancel) {
  generation.begin(session);
  // Pass by pass only to report in between: how a prompt is cut does not change any result.
  const int chunk = session.model().engine()->prefill_chunk();
  while (true) {
    const Generation::Feed feed = generation.next(chunk);
    if (!feed.tokens.empty()) {
      const bool finished =
          generation.prefills()
              ? session.prefill(feed.tokens, feed.wanted, feed.allowed, cancel)
              : decoder.decode(feed.tokens[0], generation.tokens_left(), feed.allowed, cancel);
      if (!finished) return StopReason::cancelled;
      generation.fed(static_cast<int>(feed.tokens.size()), session);
    }
    if (generation.prefills()) continue;
    if (const std::optional<StopReason> reason = generation.choose(decoder)) return *reason;
  }
}

}  // namespace

GenerateResult generate(Session& session, TokenSpan context, const GenerateOptions& options,
                        const std::function<void(std::string_view)>& sink) {
  Generation generation(session.model(), session.cache().context_length(), context, options, sink);
  SpeculativeDecoder decoder(session, context, max_draft(options), generation.wanted());
  GenerateResult result = generation.finish(run(generation, session, decoder, options.cancel));
  result.decode_steps = decoder.steps();
  result.drafted_tokens = decoder.drafted();
  result.accepted_tokens = decoder.accepted();
  return result;
}

}  // namespace gemma2
