// SPDX-License-Identifier: Apache-2.0
//
// Text <-> token ids, exactly as SentencePiece does it for Gemma: byte-pair merges by score,
// user-defined pieces matched first, byte fallback, no added space.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemma2/types.h"

namespace gemma2 {

struct EncodeOptions {
  bool add_bos = true;  // put <bos> first, unless the encoded text already begins with it
  /// Lets "<start_of_turn>", ... in the text become those tokens, as SentencePiece does for its
  /// user-defined pieces, and also "<bos>", "<eos>", "<pad>" and "<unk>", as transformers does.
  bool parse_special = false;
};

struct DecodeOptions {
  bool show_special = false;  // write "<end_of_turn>" and its kind instead of nothing
};

/// Ids that mean something to the engine; -1 where the vocabulary has no such piece.
struct SpecialTokens {
  TokenId pad = -1;
  TokenId eos = -1;
  TokenId bos = -1;
  TokenId unk = -1;
  TokenId start_of_turn = -1;
  TokenId end_of_turn = -1;
};

/// An immutable vocabulary. Copies share it; concurrent use is fine.
class GEMMA2_API Tokenizer {
 public:
  /// From a tokenizer.model, a tokenizer.json, a GGUF or .llamafile, or a Hugging Face directory.
  /// Throws Error(io | malformed_file | unsupported).
  [[nodiscard]] static Tokenizer load(const std::filesystem::path& path);

  /// Invalid UTF-8 is encoded as U+FFFD, one for each offending byte.
  /// Throws Error(invalid_argument) for more than 2^30 bytes.
  [[nodiscard]] std::vector<TokenId> encode(std::string_view text,
                                            const EncodeOptions& options = {}) const;

  /// Malformed bytes become U+FFFD. Control tokens vanish unless options.show_special.
  /// Throws Error(invalid_argument) for an id outside the vocabulary.
  [[nodiscard]] std::string decode(TokenSpan tokens, const DecodeOptions& options = {}) const;

  /// The piece as the vocabulary spells it: "▁the", "<0x0A>", "<end_of_turn>".
  [[nodiscard]] std::string_view piece(TokenId token) const;

  /// The bytes that `token` adds to decoded text; may be a part of a UTF-8 character.
  [[nodiscard]] std::string_view bytes(TokenId token, const DecodeOptions& options = {}) const;

  [[nodiscard]] std::optional<TokenId> find(std::string_view piece) const noexcept;
  [[nodiscard]] int vocab_size() const noexcept;
  [[nodiscard]] const SpecialTokens& special() const noexcept;

  /// True for <eos> and <end_of_turn>: a generation stops there.
  [[nodiscard]] bool ends_generation(TokenId token) const noexcept;

  struct Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl) noexcept;
  [[nodiscard]] const Impl& impl() const noexcept { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// Turns a stream of tokens into text that never splits a UTF-8 character.
class GEMMA2_API StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer, const DecodeOptions& options = {});

  /// Whole characters that became complete with `token`; often the token's text, may be empty.
  [[nodiscard]] std::string push(TokenId token);

  /// What is left at the end; an unfinished character becomes U+FFFD.
  [[nodiscard]] std::string finish();

 private:
  Tokenizer tokenizer_;
  DecodeOptions options_;
  std::string pending_;  // at most three bytes of an unfinished character
};

}  // namespace gemma2
