// SPDX-License-Identifier: Apache-2.0
//
// Runs a byte automaton over tokens. Wherever a text can be in the automaton, all ways at once, is
// a configuration with a number; its successors are computed when they are first asked for and then
// looked up in a table, as is the mask of the tokens that may follow. So what costs milliseconds is
// done once for each place in a grammar.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gemma2/tokenizer.h"

#include "model/byte_automaton.h"

namespace gemma2 {

struct Language {
  ByteAutomaton automaton;
  StateId start = kNoState;
};

/// One for a language and a vocabulary. Any number of threads may use it; they take turns.
class GrammarMatcher {
 public:
  using ConfigId = std::uint32_t;
  using Words = std::vector<std::uint64_t>;
  static constexpr ConfigId kDead = 0xFFFFFFFE;  // no text of the language begins like that

  /// A configuration as it can be told to another matcher of the same language: the stack of each
  /// way, what runs now last.
  struct Place {
    struct Frame {
      StateId state = kNoState;
      std::uint8_t depth = 0;
    };
    std::vector<std::vector<Frame>> ways;
    bool finished = false;
  };

  GrammarMatcher(std::shared_ptr<const Language> language, Tokenizer tokenizer);

  [[nodiscard]] ConfigId start();
  /// After further bytes, or kDead.
  [[nodiscard]] ConfigId advance(ConfigId config, std::string_view bytes);
  [[nodiscard]] bool finished(ConfigId config);
  /// One bit a token of the vocabulary. It stays as it is, cached or not.
  [[nodiscard]] std::shared_ptr<const Words> mask(ConfigId config);

  /// True if it has grown so large that a new one should take over.
  [[nodiscard]] bool full();
  [[nodiscard]] Place place(ConfigId config);
  [[nodiscard]] ConfigId enter(const Place& place);

 private:
  using NodeId = std::uint32_t;

  /// The top of a stack; stacks that are the same from somewhere on share it.
  struct Node {
    NodeId below = 0;
    StateId state = kNoState;
    std::uint8_t depth = 0;
  };
  struct Config {
    std::vector<NodeId> ways = {};  // in states with edges, in the order in which they were found
    bool finished = false;
    std::shared_ptr<const Words> mask = {};
    std::uint64_t last_use = 0;
  };

  NodeId node(NodeId below, StateId state, int depth);
  void add_way(NodeId way);
  ConfigId close();
  ConfigId intern(Config config);
  ConfigId step(ConfigId config, std::uint8_t byte);
  ConfigId compute_step(ConfigId config, std::uint8_t byte);
  [[nodiscard]] std::shared_ptr<const Words> compute_mask(ConfigId config);
  void evict_mask();

  std::shared_ptr<const Language> language_;
  const ByteAutomaton& automaton_;
  Tokenizer tokenizer_;
  std::mutex mutex_;
  std::vector<Node> nodes_;
  std::unordered_map<std::uint64_t, NodeId> node_ids_;
  std::vector<Config> configs_;
  std::unordered_multimap<std::size_t, ConfigId> config_ids_;  // by hash
  std::vector<ConfigId> table_;                                // a row of byte classes for each
  std::vector<NodeId> work_;  // the ways of the step being computed
  std::vector<std::uint32_t> seen_;
  std::uint32_t round_ = 0;
  std::uint64_t uses_ = 0;
  int cached_masks_ = 0;
};

}  // namespace gemma2
