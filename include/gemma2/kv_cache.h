// SPDX-License-Identifier: Apache-2.0
//
// The hybrid KV cache: keys and values of every cached token, layer by layer. Global layers keep
// each position; local layers do so too, or keep only a ring just larger than the sliding window.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <memory>

#include "gemma2/model.h"

namespace gemma2 {

/// How local layers are stored. Both give the same bits.
enum class LocalLayers : std::uint8_t {
  full,  // every position: rewind, prefix reuse and restore are always possible
  ring   // the window plus one prefill chunk: up to 25 % smaller at 8192 tokens
};

/// "automatic", "f32", "bf16", "int8".
[[nodiscard]] GEMMA2_API const char* to_string(CacheType type) noexcept;

struct KvCacheOptions {
  int context_length = 0;  // positions; 0: the model's own context_length
  LocalLayers local_layers = LocalLayers::full;
  CacheType type = CacheType::automatic;
};

/// Keys, values and ids of one sequence. Movable; copied only by fork().
class GEMMA2_API KvCache {
 public:
  /// Throws Error(invalid_argument) for a context_length outside 1 .. 131072, Error(out_of_memory).
  explicit KvCache(const Model& model, const KvCacheOptions& options = {});
  KvCache(KvCache&&) noexcept;
  KvCache& operator=(KvCache&&) noexcept;
  ~KvCache();

  [[nodiscard]] int context_length() const noexcept;
  [[nodiscard]] int capacity(
      LayerKind kind) const noexcept;                // positions a layer of this kind holds
  [[nodiscard]] std::size_t bytes() const noexcept;  // all layers, keys and values
  [[nodiscard]] CacheType type() const noexcept;     // never automatic
  [[nodiscard]] int position() const noexcept;       // tokens cached so far
  [[nodiscard]] TokenSpan tokens() const noexcept;   // their ids

  /// Always true for LocalLayers::full; for a ring, false once it overwrote keys still needed.
  [[nodiscard]] bool can_rewind(int position) const noexcept;

  /// Forgets every token from `position` on. false: not possible, nothing changed.
  [[nodiscard]] bool rewind(int position) noexcept;

  /// An independent copy.
  [[nodiscard]] KvCache fork() const;

  /// A copy of the first `position` tokens: as fork() and rewind(), copying no more than that.
  /// Throws Error(invalid_argument) unless can_rewind(position).
  [[nodiscard]] KvCache fork(int position) const;

  /// Writes the cached tokens, keys and values, and digests of the model they belong to.
  /// Throws Error(io).
  void save(std::ostream& out) const;

  /// Throws Error(malformed_file) for damaged state or state of another model or arithmetic.
  [[nodiscard]] static KvCache restore(const Model& model, std::istream& in);

  struct State;
  [[nodiscard]] State& state() noexcept { return *state_; }
  [[nodiscard]] const State& state() const noexcept { return *state_; }

 private:
  explicit KvCache(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

}  // namespace gemma2
