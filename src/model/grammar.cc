// SPDX-License-Identifier: Apache-2.0
#include "gemma2/grammar.h"

#include <mutex>
#include <utility>
#include <vector>

#include "check.h"
#include "model/grammar_matcher.h"
#include "model/json_parts.h"
#include "model/json_schema.h"

namespace gemma2 {

struct Grammar::Impl {
  explicit Impl(Language of) : language(std::make_shared<const Language>(std::move(of))) {}

  /// The one that states of this grammar use, or a new one if that has grown too large.
  std::shared_ptr<GrammarMatcher> matcher_for(const Tokenizer& tokenizer) {
    const std::lock_guard lock(mutex_);
    for (Entry& entry : matchers_) {
      if (&entry.tokenizer.impl() != &tokenizer.impl()) continue;
      if (entry.matcher->full()) entry.matcher = make(tokenizer);
      return entry.matcher;
    }
    matchers_.push_back({tokenizer, make(tokenizer)});
    return matchers_.back().matcher;
  }

  std::shared_ptr<const Language> language;

 private:
  struct Entry {
    Tokenizer tokenizer;
    std::shared_ptr<GrammarMatcher> matcher;
  };

  [[nodiscard]] std::shared_ptr<GrammarMatcher> make(const Tokenizer& tokenizer) const {
    return std::make_shared<GrammarMatcher>(language, tokenizer);
  }

  std::mutex mutex_;
  std::vector<Entry> matchers_;  // one for each tokenizer
};

Grammar::Grammar(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

Grammar Grammar::json_object() {
  Language language;
  JsonParts json(language.automaton);
  language.start = json.any_object();
  language.automaton.finish();
  return Grammar(std::make_shared<Impl>(std::move(language)));
}

Grammar Grammar::json_schema(std::string_view schema) {
  return Grammar(std::make_shared<Impl>(compile_json_schema(schema)));
}

struct GrammarState::Impl {
  Grammar grammar;
  Tokenizer tokenizer;
  std::shared_ptr<GrammarMatcher> matcher;
  GrammarMatcher::ConfigId config = 0;
  std::shared_ptr<const GrammarMatcher::Words> mask = {};

  /// Goes over to another matcher if this one is full.
  void renew() {
    if (!matcher->full()) return;
    const GrammarMatcher::Place place = matcher->place(config);
    matcher = grammar.impl().matcher_for(tokenizer);
    config = matcher->enter(place);
  }
};

GrammarState::GrammarState(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
GrammarState::GrammarState(GrammarState&& other) noexcept = default;
GrammarState& GrammarState::operator=(GrammarState&& other) noexcept = default;
GrammarState::~GrammarState() = default;

GrammarState::GrammarState(const Grammar& grammar, const Tokenizer& tokenizer)
    : impl_(
          std::make_unique<Impl>(Impl{grammar, tokenizer, grammar.impl().matcher_for(tokenizer)})) {
  impl_->config = impl_->matcher->start();
}

GrammarState GrammarState::fork() const {
  return GrammarState(std::make_unique<Impl>(*impl_));
}

TokenMask GrammarState::allowed() {
  impl_->renew();
  impl_->mask = impl_->matcher->mask(impl_->config);
  return *impl_->mask;
}

void GrammarState::accept(TokenId token) {
  const std::string_view bytes = impl_->tokenizer.bytes(token);
  const bool ends = impl_->tokenizer.ends_generation(token);
  if (ends && finished()) return;
  GrammarMatcher::ConfigId next = GrammarMatcher::kDead;
  if (!ends && !bytes.empty()) {
    impl_->renew();
    next = impl_->matcher->advance(impl_->config, bytes);
  }
  require(next != GrammarMatcher::kDead, ErrorCode::invalid_argument,
          "token: expected one that the grammar allows, found {} (\"{}\")", token,
          impl_->tokenizer.piece(token));
  impl_->config = next;
}

bool GrammarState::finished() const {
  return impl_->matcher->finished(impl_->config);
}

}  // namespace gemma2
