// SPDX-License-Identifier: Apache-2.0
//
// Sessions that nobody uses at the moment, kept for what they have cached: a context that begins
// as one of them does need not be computed again so far. The longest used ago goes first.
//
// Tokens and salts are compared, never hashes: a collision would answer with somebody else's text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <string_view>

#include "gemma2/session.h"

namespace gemma2 {

/// A session in use, from which a prefix may be copied.
struct Neighbour {
  const Session* session = nullptr;
  std::string_view salt = {};
};

/// How many tokens two sequences begin with alike.
[[nodiscard]] int common_prefix(TokenSpan a, TokenSpan b) noexcept;

class PrefixPool {
 public:
  /// Fewer shared tokens are cheaper to compute again than to copy or to wait for.
  static constexpr int kWorthwhile = 16;

  /// Throws Error(invalid_argument | out_of_memory) of the first session, which it makes right
  /// away.
  PrefixPool(const Model& model, const KvCacheOptions& options, int max_idle);

  [[nodiscard]] int context_length() const noexcept { return context_length_; }

  /// How much of `context` an idle session or one of `others`, of the same salt, has cached.
  [[nodiscard]] int best_prefix(TokenSpan context, std::string_view salt,
                                std::span<const Neighbour> others) const noexcept;

  /// A session for `context` that begins with as much of it as can be had: an idle one if most of
  /// what it holds is of use, or else a copy of the shared part of one that is to stay as it is.
  /// Throws Error(out_of_memory) once there is no idle session left to do without.
  [[nodiscard]] Session take(TokenSpan context, std::string_view salt,
                             std::span<const Neighbour> others);

  /// Takes a session back.
  void give(Session session, std::string salt);

  [[nodiscard]] int size() const noexcept { return static_cast<int>(idle_.size()); }
  [[nodiscard]] std::int64_t tokens() const noexcept;

 private:
  struct Idle {
    Session session;
    std::string salt;
  };
  using Place = std::list<Idle>::iterator;

  [[nodiscard]] Session remove(Place place);
  [[nodiscard]] Session make_empty();
  [[nodiscard]] Session copy_of(const Session& source, int length);

  Model model_;
  KvCacheOptions options_;
  std::size_t max_idle_;
  int context_length_;
  std::list<Idle> idle_;  // the longest unused first
};

}  // namespace gemma2
