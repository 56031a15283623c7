// SPDX-License-Identifier: Apache-2.0
#include "tokenizer/token_trie.h"

#include <algorithm>
#include <string_view>

#include "check.h"
#include "tokenizer/tokenizer_impl.h"

namespace gemma2 {
namespace {

constexpr std::size_t kMaxBytes = 65535;

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const auto end = std::mismatch(a.begin(), a.begin() + std::min(a.size(), b.size()), b.begin());
  return static_cast<std::size_t>(end.first - a.begin());
}

}  // namespace

TokenTrie::TokenTrie(const Tokenizer::Impl& tokenizer) {
  for (TokenId id = 0; id < tokenizer.table.size(); ++id) {
    const std::string_view text = tokenizer.surface(id);
    if (tokenizer.class_of(id) == TokenClass::hidden || text.empty()) continue;
    require(text.size() <= kMaxBytes, ErrorCode::unsupported,
            "grammar: expected tokens of at most {} bytes, found {} of {}", kMaxBytes, id,
            text.size());
    tokens_.push_back(id);
  }
  std::stable_sort(tokens_.begin(), tokens_.end(), [&](TokenId a, TokenId b) {
    return tokenizer.surface(a) < tokenizer.surface(b);
  });
  std::vector<std::uint32_t> path;  // the nodes from the root to the last token's
  std::string_view last;
  const auto close = [&](std::size_t depth) {
    for (; path.size() > depth; path.pop_back()) {
      nodes_[path.back()].skip = static_cast<std::uint32_t>(nodes_.size());
    }
  };
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view text = tokenizer.surface(tokens_[i]);
    close(common_prefix(last, text));
    while (path.size() < text.size()) {
      path.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({.first_token = i,
                        .depth = static_cast<std::uint16_t>(path.size()),
                        .byte = static_cast<std::uint8_t>(text[path.size() - 1])});
    }
    max_depth_ = std::max(max_depth_, static_cast<int>(text.size()));
    last = text;
  }
  close(0);
  nodes_.push_back({.first_token = static_cast<std::uint32_t>(tokens_.size())});
}

}  // namespace gemma2
