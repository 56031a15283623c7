// SPDX-License-Identifier: Apache-2.0
//
// A vocabulary as some file described it, before the tokenizer checks it: what the readers of
// GGUF, tokenizer.model and tokenizer.json all produce.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gemma2/types.h"

namespace gemma2 {

/// SentencePiece's types, with its numbers (GGUF uses the same).
enum class PieceType : std::uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

struct Piece {
  std::string text = {};  // as stored: spaces may be plain or U+2581
  float score = 0;
  PieceType type = PieceType::normal;
};

struct Vocabulary {
  std::vector<Piece> pieces = {};                  // index = token id
  TokenId bos = -1, eos = -1, unk = -1, pad = -1;  // -1: the file does not say
  bool merges_by_rank = false;  // scores are absent and piece order decides (tokenizer.json)
};

}  // namespace gemma2
