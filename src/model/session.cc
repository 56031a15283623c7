// SPDX-License-Identifier: Apache-2.0
#include "gemma2/session.h"

#include <algorithm>
#include <utility>

#include "gemma2/sampling.h"

#include "check.h"
#include "model/candidate_filters.h"
#include "model/sampling_math.h"
#include "model/session_state.h"

namespace gemma2 {

Session::Session(const Model& model, const KvCacheOptions& options)
    : Session(model, KvCache(model, options)) {}

Session::Session(const Model& model, KvCache cache) {
  require(cache.state().engine == model.engine(), ErrorCode::invalid_argument,
          "session: expected a cache of the same model, found one of another");
  state_ = std::make_unique<State>(model, std::move(cache));
}

Session::Session(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

bool Session::prefill(TokenSpan tokens, const std::stop_token& cancel) {
  return prefill(tokens, WantLogits::last, {}, cancel);
}

bool Session::prefill(TokenSpan tokens, WantLogits wanted, TokenMask allowed,
                      const std::stop_token& cancel) {
  const auto masks = std::span(&allowed, allowed.empty() ? 0 : 1);
  const StepEntry entry{this, tokens, wanted, masks};
  return step(std::span(&entry, 1), cancel);
}

bool Session::decode(TokenId token, const std::stop_token& cancel) {
  return prefill(TokenSpan(&token, 1), cancel);
}

bool Session::decode(TokenId token, WantLogits wanted, TokenMask allowed,
                     const std::stop_token& cancel) {
  return prefill(TokenSpan(&token, 1), wanted, allowed, cancel);
}

int Session::reuse_prefix(TokenSpan context, WantLogits wanted) {
  const TokenSpan cached = state_->cache.tokens();
  const auto common = static_cast<int>(
      std::mismatch(cached.begin(), cached.end(), context.begin(), context.end()).first -
      cached.begin());
  const bool stands_there = common == static_cast<int>(context.size()) && common == position() &&
                            state_->has_unconstrained(wanted);
  if (stands_there) return common;
  const int keep = std::clamp(common, 0, std::max(0, static_cast<int>(context.size()) - 1));
  if (keep == position()) return keep;
  // A ring that has lost what lies before `keep` starts over: the same bits, only later.
  return rewind(keep) ? keep : (static_cast<void>(rewind(0)), 0);
}

std::vector<float> Session::score(TokenSpan tokens) {
  constexpr std::size_t kBlock = kMaxLogitRows;
  require(position() > 0 && state_->has_unconstrained(WantLogits::last),
          ErrorCode::invalid_argument,
          "score: expected a session with the logits of a last token, found {}",
          position() == 0    ? "an empty one"
          : logits().empty() ? "one without"
                             : "those of allowed tokens only");
  std::vector<float> scores;
  scores.reserve(tokens.size());
  for (std::size_t begin = 0; begin < tokens.size(); begin += kBlock) {
    const TokenSpan block = tokens.subspan(begin, std::min(kBlock, tokens.size() - begin));
    scores.push_back(logprob(logits(), block.front()));
    const StepEntry entry{this, block, WantLogits::all};
    step(std::span(&entry, 1));
    for (std::size_t i = 1; i < block.size(); ++i) {
      scores.push_back(logprob(logits(static_cast<int>(i) - 1), block[i]));
    }
  }
  return scores;
}

std::span<const float> Session::logits() const noexcept {
  const std::size_t width = state_->vocab_size();
  return std::span<const float>(state_->logits).last(state_->logits.empty() ? 0 : width);
}

std::span<const float> Session::logits(int row) const {
  const std::size_t width = state_->vocab_size();
  const std::size_t rows = state_->logits.size() / width;
  require(row >= 0 && static_cast<std::size_t>(row) < rows, ErrorCode::invalid_argument,
          "logits: expected a row below {}, found {}", rows, row);
  return std::span<const float>(state_->logits)
      .subspan(static_cast<std::size_t>(row) * width, width);
}

std::span<const float> Session::hidden_state(int row) const {
  const auto width = static_cast<std::size_t>(state_->model.config().hidden_size);
  const std::size_t rows = state_->hidden.size() / width;
  require(row >= 0 && static_cast<std::size_t>(row) < rows, ErrorCode::invalid_argument,
          "hidden_state: expected a row below {}, found {}", rows, row);
  return std::span<const float>(state_->hidden)
      .subspan(static_cast<std::size_t>(row) * width, width);
}

TokenId Session::best() const {
  require(!state_->outputs.empty(), ErrorCode::invalid_argument,
          "best: expected a step that asked for logits or the best token, found none");
  return best(static_cast<int>(state_->outputs.size()) - 1);
}

TokenId Session::best(int row) const {
  require(row >= 0 && static_cast<std::size_t>(row) < state_->outputs.size(),
          ErrorCode::invalid_argument, "best: expected a row below {}, found {}",
          state_->outputs.size(), row);
  const State::Output& output = state_->outputs[static_cast<std::size_t>(row)];
  if (!state_->logits.empty()) return best_token(logits(row), output.allowed);
  if (output.best.non_finite > 0) {
    fail_non_finite(output.allowed, output.best.non_finite, output.best.first_non_finite);
  }
  return output.best.token;
}

const Model& Session::model() const noexcept {
  return state_->model;
}
const KvCache& Session::cache() const noexcept {
  return state_->cache;
}
int Session::position() const noexcept {
  return state_->cache.position();
}

bool Session::rewind(int position) noexcept {
  if (position == this->position()) return true;
  if (!state_->cache.rewind(position)) return false;
  state_->forget_outputs();
  return true;
}

Session Session::fork() const {
  auto copy = std::make_unique<State>(state_->model, state_->cache.fork());
  copy->logits = state_->logits;
  copy->outputs = state_->outputs;
  return Session(std::move(copy));
}

}  // namespace gemma2
