// SPDX-License-Identifier: Apache-2.0
#include "model/grammar_matcher.h"

#include <algorithm>
#include <utility>

#include "checked_math.h"
#include "tokenizer/token_trie.h"
#include "tokenizer/tokenizer_impl.h"

namespace gemma2 {
namespace {

constexpr GrammarMatcher::ConfigId kUnknown = 0xFFFFFFFF;
constexpr std::uint32_t kBottom = 0;  // the node below all stacks

// What a matcher may grow to. Beyond kMaxWays the ways found last are given up, which loses texts
// of a very ambiguous schema but never lets a wrong one through, nor one that can not end.
constexpr std::size_t kMaxWays = 1024;
constexpr std::size_t kMaxTableBytes = std::size_t{32} << 20U;
constexpr std::size_t kMaxNodes = std::size_t{1} << 20U;
constexpr std::size_t kMaxMaskBytes = std::size_t{16} << 20U;
constexpr int kWordBits = 64;

std::size_t hash_of(const std::vector<std::uint32_t>& ways, bool finished) {
  std::uint64_t hash = finished ? 1 : 2;
  for (const std::uint32_t way : ways) {
    hash = (hash ^ way) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 29U;
  }
  return hash;
}

}  // namespace

GrammarMatcher::GrammarMatcher(std::shared_ptr<const Language> language, Tokenizer tokenizer)
    : language_(std::move(language)),
      automaton_(language_->automaton),
      tokenizer_(std::move(tokenizer)),
      nodes_(1),
      seen_(1) {}

GrammarMatcher::ConfigId GrammarMatcher::start() {
  const std::lock_guard lock(mutex_);
  ++round_;
  add_way(node(kBottom, language_->start, 0));
  return close();
}

GrammarMatcher::ConfigId GrammarMatcher::advance(ConfigId config, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  for (const char byte : bytes) {
    config = step(config, static_cast<std::uint8_t>(byte));
    if (config == kDead) break;
  }
  return config;
}

bool GrammarMatcher::finished(ConfigId config) {
  const std::lock_guard lock(mutex_);
  return configs_[config].finished;
}

std::shared_ptr<const GrammarMatcher::Words> GrammarMatcher::mask(ConfigId config) {
  const std::lock_guard lock(mutex_);
  configs_[config].last_use = ++uses_;
  if (configs_[config].mask == nullptr) {
    std::shared_ptr<const Words> words = compute_mask(config);
    const std::size_t bytes = words->size() * sizeof(std::uint64_t);
    if (static_cast<std::size_t>(cached_masks_ + 1) * bytes > kMaxMaskBytes) evict_mask();
    ++cached_masks_;
    configs_[config].mask = std::move(words);
  }
  return configs_[config].mask;
}

bool GrammarMatcher::full() {
  const std::lock_guard lock(mutex_);
  return nodes_.size() > kMaxNodes || table_.size() * sizeof(ConfigId) > kMaxTableBytes;
}

GrammarMatcher::Place GrammarMatcher::place(ConfigId config) {
  const std::lock_guard lock(mutex_);
  Place place = {.ways = {}, .finished = configs_[config].finished};
  for (const NodeId way : configs_[config].ways) {
    auto& frames = place.ways.emplace_back();
    for (NodeId id = way; id != kBottom; id = nodes_[id].below) {
      frames.push_back({nodes_[id].state, nodes_[id].depth});
    }
    std::reverse(frames.begin(), frames.end());
  }
  return place;
}

GrammarMatcher::ConfigId GrammarMatcher::enter(const Place& place) {
  const std::lock_guard lock(mutex_);
  Config config = {.finished = place.finished};
  for (const auto& frames : place.ways) {
    NodeId top = kBottom;
    for (const Place::Frame& frame : frames) top = node(top, frame.state, frame.depth);
    config.ways.push_back(top);
  }
  return intern(std::move(config));
}

/// The node with these values; kDead if no text could end from there within the depth allowed.
GrammarMatcher::NodeId GrammarMatcher::node(NodeId below, StateId state, int depth) {
  if (below == kDead || depth + automaton_.need(state) > ByteAutomaton::kMaxDepth) return kDead;
  static_assert(ByteAutomaton::kMaxStates < 1 << 14 && ByteAutomaton::kMaxDepth < 1 << 6);
  const std::uint64_t key =
      std::uint64_t{below} << 20U | std::uint64_t{state} << 6U | static_cast<std::uint64_t>(depth);
  const auto [known, is_new] = node_ids_.try_emplace(key, static_cast<NodeId>(nodes_.size()));
  if (is_new) {
    nodes_.push_back({below, state, static_cast<std::uint8_t>(depth)});
    seen_.push_back(0);
  }
  return known->second;
}

void GrammarMatcher::add_way(NodeId way) {
  if (way == kDead || seen_[way] == round_) return;
  seen_[way] = round_;
  work_.push_back(way);
}

/// Follows what needs no byte from the ways in work_, and takes all that wait for one.
GrammarMatcher::ConfigId GrammarMatcher::close() {
  Config config;
  for (std::size_t i = 0; i < work_.size(); ++i) {
    if (work_[i] == kBottom) {
      config.finished = true;
      continue;
    }
    const Node top = nodes_[work_[i]];
    const AutomatonState& state = automaton_[top.state];
    if (!state.edges.empty() && config.ways.size() < kMaxWays) config.ways.push_back(work_[i]);
    if (state.returns) add_way(top.below);
    for (const StateId target : state.jumps) add_way(node(top.below, target, top.depth));
    for (const NestedCall& call : state.calls) {
      const NodeId back = node(top.below, call.back, top.depth);
      add_way(node(back, call.callee, top.depth + 1));
    }
  }
  work_.clear();
  return config.ways.empty() && !config.finished ? kDead : intern(std::move(config));
}

GrammarMatcher::ConfigId GrammarMatcher::intern(Config config) {
  const std::size_t hash = hash_of(config.ways, config.finished);
  const auto [first, end] = config_ids_.equal_range(hash);
  for (auto known = first; known != end; ++known) {
    const Config& other = configs_[known->second];
    if (other.finished == config.finished && other.ways == config.ways) return known->second;
  }
  const auto id = static_cast<ConfigId>(configs_.size());
  configs_.push_back(std::move(config));
  table_.resize(table_.size() + static_cast<std::size_t>(automaton_.classes()), kUnknown);
  config_ids_.emplace(hash, id);
  return id;
}

GrammarMatcher::ConfigId GrammarMatcher::step(ConfigId config, std::uint8_t byte) {
  const std::size_t entry = std::size_t{config} * static_cast<std::size_t>(automaton_.classes()) +
                            automaton_.class_of(byte);
  if (table_[entry] != kUnknown) [[likely]]
    return table_[entry];
  const ConfigId next = compute_step(config, byte);
  table_[entry] = next;
  return next;
}

GrammarMatcher::ConfigId GrammarMatcher::compute_step(ConfigId config, std::uint8_t byte) {
  ++round_;
  for (std::size_t i = 0; i < configs_[config].ways.size(); ++i) {
    const Node top = nodes_[configs_[config].ways[i]];
    for (const ByteEdge& edge : automaton_[top.state].edges) {
      if (byte < edge.low || byte > edge.high) continue;
      NodeId below = top.below;
      if (edge.push != kNoState) below = node(below, edge.push, top.depth);
      add_way(node(below, edge.target, top.depth));
    }
  }
  return close();
}

std::shared_ptr<const GrammarMatcher::Words> GrammarMatcher::compute_mask(ConfigId config) {
  const Tokenizer::Impl& impl = tokenizer_.impl();
  const TokenTrie& trie = impl.trie->get(impl);
  Words words(static_cast<std::size_t>(ceil_div(tokenizer_.vocab_size(), kWordBits)));
  const auto allow = [&](TokenId token) {
    const auto bit = static_cast<std::size_t>(token);
    words[bit / kWordBits] |= std::uint64_t{1} << bit % kWordBits;
  };
  if (configs_[config].finished) {
    const SpecialTokens& special = tokenizer_.special();
    for (const TokenId end : {special.eos, special.end_of_turn}) {
      if (end >= 0) allow(end);
    }
  }
  std::vector<ConfigId> path(static_cast<std::size_t>(trie.max_depth()) + 1, config);
  const std::span<const TokenTrie::Node> nodes = trie.nodes();
  for (std::size_t i = 0; i + 1 < nodes.size();) {
    const TokenTrie::Node& at = nodes[i];
    const ConfigId next = step(path[at.depth - std::size_t{1}], at.byte);
    if (next == kDead) {
      i = at.skip;
      continue;
    }
    path[at.depth] = next;
    for (std::uint32_t t = at.first_token; t < nodes[i + 1].first_token; ++t) {
      allow(trie.tokens()[t]);
    }
    ++i;
  }
  return std::make_shared<const Words>(std::move(words));
}

void GrammarMatcher::evict_mask() {
  Config* oldest = nullptr;
  for (Config& config : configs_) {
    if (config.mask == nullptr) continue;
    if (oldest == nullptr || config.last_use < oldest->last_use) oldest = &config;
  }
  if (oldest == nullptr) return;
  oldest->mask.reset();
  --cached_masks_;
}

}  // namespace gemma2
