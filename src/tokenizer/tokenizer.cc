// SPDX-License-Identifier: Apache-2.0
#include "gemma2/tokenizer.h"

#include <cstddef>
#include <utility>

#include "check.h"
#include "tokenizer/tokenizer_impl.h"
#include "tokenizer/utf8.h"

namespace gemma2 {
namespace {

// Positions inside the text are 32-bit numbers, and an invalid byte grows to three.
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30U;

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const Impl> impl) noexcept : impl_(std::move(impl)) {}

std::vector<TokenId> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  require(text.size() <= kMaxTextBytes, ErrorCode::invalid_argument,
          "text to encode: expected at most {} bytes, found {}", kMaxTextBytes, text.size());
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 4 + 2);
  if (options.add_bos) ids.push_back(impl_->special.bos);
  impl_->bpe.encode(NormalizedText(text),
                    options.parse_special ? impl_->with_markers : impl_->always_frozen, ids);
  if (options.add_bos && ids.size() > 1 && ids[1] == impl_->special.bos) ids.erase(ids.begin());
  return ids;
}

std::string Tokenizer::decode(TokenSpan tokens, const DecodeOptions& options) const {
  std::string text;
  std::string pending;
  text.reserve(tokens.size() * 4);
  for (const TokenId token : tokens) {
    check_token(*impl_, token);
    append_token(*impl_, token, options, pending, text);
  }
  flush_pending(pending, text);
  return text;
}

std::string_view Tokenizer::piece(TokenId token) const {
  check_token(*impl_, token);
  return impl_->table.text(token);
}

std::string_view Tokenizer::bytes(TokenId token, const DecodeOptions& options) const {
  check_token(*impl_, token);
  const bool hidden = impl_->class_of(token) == TokenClass::hidden && !options.show_special;
  return hidden ? std::string_view() : impl_->surface(token);
}

std::optional<TokenId> Tokenizer::find(std::string_view piece) const noexcept {
  const TokenId id = impl_->table.find(piece);
  return id < 0 ? std::nullopt : std::optional<TokenId>(id);
}

int Tokenizer::vocab_size() const noexcept {
  return impl_->table.size();
}

const SpecialTokens& Tokenizer::special() const noexcept {
  return impl_->special;
}

bool Tokenizer::ends_generation(TokenId token) const noexcept {
  return token >= 0 && (token == impl_->special.eos || token == impl_->special.end_of_turn);
}

void check_token(const Tokenizer::Impl& impl, TokenId token) {
  require(token >= 0 && token < impl.table.size(), ErrorCode::invalid_argument,
          "token: expected an id from 0 to {}, found {}", impl.table.size() - 1, token);
}

void append_token(const Tokenizer::Impl& impl, TokenId token, const DecodeOptions& options,
                  std::string& pending, std::string& text) {
  const TokenClass kind = impl.class_of(token);
  if (kind != TokenClass::byte) {
    flush_pending(pending, text);
    if (kind == TokenClass::text || options.show_special) text += impl.surface(token);
    return;
  }
  pending += impl.surface(token);
  while (!pending.empty() && !is_unfinished_utf8(pending)) {
    const auto length = static_cast<std::size_t>(decode_utf8(pending).length);
    if (length == 0) {
      text += kReplacement;
    } else {
      text.append(pending, 0, length);
    }
    pending.erase(0, length == 0 ? 1 : length);
  }
}

void flush_pending(std::string& pending, std::string& text) {
  for (std::size_t i = 0; i < pending.size(); ++i) text += kReplacement;
  pending.clear();
}

}  // namespace gemma2
