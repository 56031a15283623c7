// SPDX-License-Identifier: Apache-2.0
//
// A language of byte strings as states, edges and a stack of states to come back to. It may be
// ambiguous: who runs it follows all ways at once (grammar_matcher.h). What makes it safe to
// generate with is `need`: how deep calls must at least nest from a state on until it returns. Ways
// that can not end within the depth allowed are never entered, so every text can be finished.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace gemma2 {

using StateId = std::uint32_t;

inline constexpr StateId kNoState = std::numeric_limits<StateId>::max();

/// A byte in [low, high] leads to `target`; `push` waits on the stack until that returns.
struct ByteEdge {
  std::uint8_t low = 0;
  std::uint8_t high = 0;
  StateId target = kNoState;
  StateId push = kNoState;
};

/// Without a byte: `callee` one level deeper, then `back`.
struct NestedCall {
  StateId callee = kNoState;
  StateId back = kNoState;
};

struct AutomatonState {
  std::vector<ByteEdge> edges = {};
  std::vector<StateId> jumps = {};  // without a byte, on the same level
  std::vector<NestedCall> calls = {};
  bool returns = false;  // to what is on the stack; if nothing is, the text is complete
};

class ByteAutomaton {
 public:
  static constexpr int kMaxStates = 10000;
  static constexpr std::uint8_t kMaxDepth = 63;  // of calls: a value in 63 arrays
  static constexpr std::uint8_t kEndless = 255;  // the `need` of states that no text leaves

  /// Throws Error(unsupported) beyond kMaxStates.
  StateId add();
  AutomatonState& operator[](StateId state) { return states_[state]; }
  const AutomatonState& operator[](StateId state) const { return states_[state]; }

  void edge(StateId from, std::uint8_t low, std::uint8_t high, StateId to,
            StateId push = kNoState) {
    states_[from].edges.push_back({low, high, to, push});
  }
  void jump(StateId from, StateId to) { states_[from].jumps.push_back(to); }
  void call(StateId from, StateId callee, StateId back) {
    states_[from].calls.push_back({callee, back});
  }
  /// The bytes of `text` from one state on to another, along edges that are there already.
  void word(StateId from, std::string_view text, StateId to);

  /// When all states are there: computes what the functions below tell.
  void finish();

  [[nodiscard]] int size() const noexcept { return static_cast<int>(states_.size()); }
  [[nodiscard]] std::uint8_t need(StateId state) const { return needs_[state]; }
  /// Bytes of one class lead to the same states everywhere.
  [[nodiscard]] std::uint8_t class_of(std::uint8_t byte) const { return classes_[byte]; }
  [[nodiscard]] int classes() const noexcept { return num_classes_; }
  /// Some byte of a class.
  [[nodiscard]] std::uint8_t byte_of(int byte_class) const {
    return bytes_[static_cast<std::size_t>(byte_class)];
  }

 private:
  [[nodiscard]] std::uint8_t need_now(const AutomatonState& state) const;
  void find_needs();
  void find_classes();

  std::vector<AutomatonState> states_;
  std::vector<std::uint8_t> needs_;
  std::array<std::uint8_t, 256> classes_ = {};
  std::array<std::uint8_t, 256> bytes_ = {};
  int num_classes_ = 0;
};

}  // namespace gemma2
