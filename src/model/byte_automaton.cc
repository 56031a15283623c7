// SPDX-License-Identifier: Apache-2.0
#include "model/byte_automaton.h"

#include <algorithm>
#include <bitset>

#include "check.h"

namespace gemma2 {

StateId ByteAutomaton::add() {
  require(size() < kMaxStates, ErrorCode::unsupported,
          "grammar: expected at most {} states, found more: fewer or shorter enum values, property "
          "names and bounds are needed",
          kMaxStates);
  states_.emplace_back();
  return static_cast<StateId>(states_.size() - 1);
}

void ByteAutomaton::word(StateId from, std::string_view text, StateId to) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const bool is_last = i + 1 == text.size();
    const auto& edges = states_[from].edges;
    const auto known = std::find_if(edges.begin(), edges.end(), [&](const ByteEdge& e) {
      return e.low == byte && e.high == byte && (e.target == to) == is_last;
    });
    if (known != edges.end()) {
      from = known->target;
      continue;
    }
    const StateId next = is_last ? to : add();
    edge(from, byte, byte, next);
    from = next;
  }
}

void ByteAutomaton::finish() {
  find_needs();
  find_classes();
}

std::uint8_t ByteAutomaton::need_now(const AutomatonState& state) const {
  std::uint8_t best = state.returns ? 0 : kEndless;
  for (const ByteEdge& e : state.edges) {
    const std::uint8_t pushed = e.push == kNoState ? std::uint8_t{0} : needs_[e.push];
    best = std::min(best, std::max(needs_[e.target], pushed));
  }
  for (const StateId target : state.jumps) best = std::min(best, needs_[target]);
  for (const NestedCall& c : state.calls) {
    const std::uint8_t inner = needs_[c.callee];
    const auto deeper = static_cast<std::uint8_t>(inner >= kMaxDepth ? kEndless : inner + 1);
    best = std::min(best, std::max(deeper, needs_[c.back]));
  }
  return best;
}

/// The least solution, by lowering what depends on a state whenever that is lowered.
void ByteAutomaton::find_needs() {
  needs_.assign(states_.size(), kEndless);
  std::vector<std::vector<StateId>> dependents(states_.size());
  std::vector<StateId> queue;
  for (StateId id = 0; id < states_.size(); ++id) {
    for (const ByteEdge& e : states_[id].edges) {
      dependents[e.target].push_back(id);
      if (e.push != kNoState) dependents[e.push].push_back(id);
    }
    for (const StateId target : states_[id].jumps) dependents[target].push_back(id);
    for (const NestedCall& c : states_[id].calls) {
      dependents[c.callee].push_back(id);
      dependents[c.back].push_back(id);
    }
    if (states_[id].returns) queue.push_back(id);
  }
  while (!queue.empty()) {
    const StateId id = queue.back();
    queue.pop_back();
    const std::uint8_t need = need_now(states_[id]);
    if (need >= needs_[id]) continue;
    needs_[id] = need;
    queue.insert(queue.end(), dependents[id].begin(), dependents[id].end());
  }
}

void ByteAutomaton::find_classes() {
  std::bitset<257> starts;
  starts.set(0);
  for (const AutomatonState& state : states_) {
    for (const ByteEdge& e : state.edges) {
      starts.set(e.low);
      starts.set(e.high + std::size_t{1});
    }
  }
  num_classes_ = 0;
  for (std::size_t byte = 0; byte < classes_.size(); ++byte) {
    if (starts[byte])
      bytes_[static_cast<std::size_t>(num_classes_++)] = static_cast<std::uint8_t>(byte);
    classes_[byte] = static_cast<std::uint8_t>(num_classes_ - 1);
  }
}

}  // namespace gemma2
