// SPDX-License-Identifier: Apache-2.0
#include "model/prefix_pool.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "gemma2/error.h"

namespace gemma2 {
namespace {

/// How much of `context` the session has cached and can go back to.
int usable_prefix(const Session& session, TokenSpan context) noexcept {
  const int common = common_prefix(session.cache().tokens(), context);
  return session.cache().can_rewind(common) ? common : 0;
}

/// Taking it loses less than it saves.
bool is_mostly_of_use(const Session& session, int prefix) noexcept {
  return 2 * prefix >= session.position();
}

}  // namespace

int common_prefix(TokenSpan a, TokenSpan b) noexcept {
  return static_cast<int>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

PrefixPool::PrefixPool(const Model& model, const KvCacheOptions& options, int max_idle)
    : model_(model), options_(options), max_idle_(static_cast<std::size_t>(max_idle)) {
  Session first(model, options);
  context_length_ = first.cache().context_length();
  give(std::move(first), {});
}

int PrefixPool::best_prefix(TokenSpan context, std::string_view salt,
                            std::span<const Neighbour> others) const noexcept {
  int best = 0;
  for (const Idle& idle : idle_) {
    if (idle.salt == salt) best = std::max(best, usable_prefix(idle.session, context));
  }
  for (const Neighbour& other : others) {
    if (other.salt == salt) best = std::max(best, usable_prefix(*other.session, context));
  }
  return best;
}

Session PrefixPool::take(TokenSpan context, std::string_view salt,
                         std::span<const Neighbour> others) {
  Place found = idle_.end();  // has the most of it; of equals, the newest
  int prefix = 0;
  for (Place place = idle_.begin(); place != idle_.end(); ++place) {
    if (place->salt != salt) continue;
    const int held = usable_prefix(place->session, context);
    if (held < std::max(prefix, 1)) continue;
    found = place;
    prefix = held;
  }
  const Session* source = nullptr;
  for (const Neighbour& other : others) {
    if (other.salt != salt) continue;
    const int held = usable_prefix(*other.session, context);
    if (held <= prefix) continue;
    source = other.session;
    prefix = held;
  }
  if (source == nullptr && found != idle_.end()) {
    if (is_mostly_of_use(found->session, prefix)) return remove(found);
    idle_.splice(idle_.end(), idle_, found);  // used, so the newest from now on
    source = &idle_.back().session;
  }
  return source == nullptr || prefix < kWorthwhile ? make_empty() : copy_of(*source, prefix);
}

void PrefixPool::give(Session session, std::string salt) {
  if (max_idle_ == 0) return;
  if (idle_.size() == max_idle_) idle_.pop_front();
  idle_.push_back({std::move(session), std::move(salt)});
}

std::int64_t PrefixPool::tokens() const noexcept {
  std::int64_t total = 0;
  for (const Idle& idle : idle_) total += idle.session.position();
  return total;
}

Session PrefixPool::remove(Place place) {
  Session session = std::move(place->session);
  idle_.erase(place);
  return session;
}

/// One that has to make way for this one anyway when it comes back, or a new one.
Session PrefixPool::make_empty() {
  const auto empty = std::find_if(idle_.begin(), idle_.end(),
                                  [](const Idle& idle) { return idle.session.position() == 0; });
  if (empty != idle_.end()) return remove(empty);
  if (max_idle_ == 0 || idle_.size() < max_idle_) {
    try {
      return Session(model_, options_);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::out_of_memory || idle_.empty()) throw;
    }
  }
  Session session = remove(idle_.begin());
  static_cast<void>(session.rewind(0));  // always possible
  return session;
}

/// Without the memory for it, other idle sessions go, and if the source is idle, it in the end.
Session PrefixPool::copy_of(const Session& source, int length) {
  while (true) {
    try {
      return Session(model_, source.cache().fork(length));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::out_of_memory || idle_.empty()) throw;
    }
    Session oldest = remove(idle_.begin());
    if (idle_.empty()) return oldest;
  }
}

}  // namespace gemma2
