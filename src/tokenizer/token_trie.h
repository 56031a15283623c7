// SPDX-License-Identifier: Apache-2.0
//
// The texts of all tokens as one tree of bytes: who asks which of 256,000 tokens may come next
// looks at each common beginning once, and at nothing behind a byte that can not be.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "gemma2/tokenizer.h"

namespace gemma2 {

class TokenTrie {
 public:
  /// Nodes in preorder; the root, which has no byte, is left out.
  struct Node {
    std::uint32_t skip = 0;         // the first node behind this one's subtree
    std::uint32_t first_token = 0;  // in tokens(); the next node's is the end
    std::uint16_t depth = 0;        // bytes from the root to here, this one's included
    std::uint8_t byte = 0;
  };

  /// Tokens that add no bytes to a text are not in it.
  explicit TokenTrie(const Tokenizer::Impl& tokenizer);

  /// The last one is no node: it ends the tokens of the one before.
  [[nodiscard]] std::span<const Node> nodes() const noexcept { return nodes_; }
  [[nodiscard]] TokenSpan tokens() const noexcept { return tokens_; }
  [[nodiscard]] int max_depth() const noexcept { return max_depth_; }

 private:
  std::vector<Node> nodes_;
  std::vector<TokenId> tokens_;  // sorted by their bytes
  int max_depth_ = 0;
};

/// A tree that is built when somebody first asks for it; many threads may.
class LazyTokenTrie {
 public:
  [[nodiscard]] const TokenTrie& get(const Tokenizer::Impl& tokenizer) {
    std::call_once(built_, [&] { trie_ = std::make_unique<const TokenTrie>(tokenizer); });
    return *trie_;
  }

 private:
  std::once_flag built_;
  std::unique_ptr<const TokenTrie> trie_;
};

}  // namespace gemma2
