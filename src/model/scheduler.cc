// SPDX-License-Identifier: Apache-2.0
//
// The thread that runs steps. It alone touches sessions and requests that were submitted; others
// put requests into the queue, ask for their end by a stop token, and read results and counts.
#include "gemma2/scheduler.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "check.h"
#include "model/engine.h"
#include "model/fair_shares.h"
#include "model/prefix_pool.h"
#include "model/step_cancel.h"
#include "model/ticket.h"

namespace gemma2 {
namespace {

constexpr int kMaxRunning = 256;
constexpr int kMaxCount = 1 << 20;

const SchedulerOptions& checked(const SchedulerOptions& options) {
  const auto check = [](const char* name, int found, int lowest, int highest) {
    require(found >= lowest && found <= highest, ErrorCode::invalid_argument,
            "{}: expected a number from {} to {}, found {}", name, lowest, highest, found);
  };
  check("max_running", options.max_running, 1, kMaxRunning);
  check("max_queued", options.max_queued, 0, kMaxCount);
  check("step_tokens", options.step_tokens, 0, kMaxCount);
  check("max_idle", options.max_idle, 0, kMaxCount);
  return options;
}

using Entry = std::shared_ptr<Ticket::State>;

}  // namespace

struct Scheduler::State {
  State(const Model& shared_model, const SchedulerOptions& scheduler_options)
      : model(shared_model),
        options(checked(scheduler_options)),
        pool(model, options.cache, options.max_idle) {
    running.reserve(static_cast<std::size_t>(options.max_running) +
                    static_cast<std::size_t>(options.max_queued));
    stats.idle_sessions = pool.size();
  }

  void run();
  bool wait_for_work();
  void end_unwanted();
  void complete_ended();
  void complete(Ticket::State& entry);
  void give_back(Ticket::State& entry);
  void admit();
  void give_sessions();
  void start(Ticket::State& entry);
  [[nodiscard]] bool is_computed_by_another(const Ticket::State& entry) const;
  [[nodiscard]] std::vector<Neighbour> neighbours() const;
  void run_step();
  [[nodiscard]] std::vector<Ticket::State*> fill_step();
  bool run_feeds(std::span<Ticket::State* const> members);
  void choose(Ticket::State& entry);
  [[nodiscard]] std::optional<StopReason> reason_to_end(const Ticket::State& entry) const;

  // Of the scheduler's thread alone.
  const Model model;
  const SchedulerOptions options;
  PrefixPool pool;
  std::vector<Entry> running;  // in the order they came in

  std::stop_source shutdown;  // any thread

  mutable std::mutex mutex;  // for all below
  std::condition_variable wake;
  std::condition_variable drained;
  std::deque<Entry> queue;
  bool draining = false;
  int live = 0;       // accepted, their tickets not done
  int unsettled = 0;  // accepted, on_done not over
  SchedulerStats stats;

  std::thread thread;
};

void Scheduler::State::run() {
  while (wait_for_work()) {
    end_unwanted();
    complete_ended();
    admit();
    give_sessions();
    complete_ended();
    run_step();
    complete_ended();
  }
}

/// Returns false at the end of it all.
bool Scheduler::State::wait_for_work() {
  std::unique_lock lock(mutex);
  const auto has_work = [&] { return !queue.empty() || !running.empty(); };
  wake.wait(lock, [&] { return shutdown.stop_requested() || has_work(); });
  return has_work();
}

std::optional<StopReason> Scheduler::State::reason_to_end(const Ticket::State& entry) const {
  if (shutdown.stop_requested() || entry.stop.stop_requested()) return StopReason::cancelled;
  const auto& deadline = entry.request.deadline;
  if (deadline && std::chrono::steady_clock::now() >= *deadline) return StopReason::deadline;
  return std::nullopt;
}

/// Those in the queue end here, too: it takes no place among the running to do so.
void Scheduler::State::end_unwanted() {
  {
    const std::scoped_lock lock(mutex);
    const auto unwanted = std::stable_partition(
        queue.begin(), queue.end(), [&](const Entry& entry) { return !reason_to_end(*entry); });
    running.insert(running.end(), unwanted, queue.end());
    queue.erase(unwanted, queue.end());
  }
  for (const Entry& entry : running) entry->reason = reason_to_end(*entry);
}

void Scheduler::State::complete_ended() {
  const auto ended = std::stable_partition(running.begin(), running.end(),
                                           [](const Entry& entry) { return !entry->has_ended(); });
  for (auto entry = ended; entry != running.end(); ++entry) complete(**entry);
  running.erase(ended, running.end());
}

void Scheduler::State::complete(Ticket::State& entry) {
  try {
    if (entry.session) give_back(entry);
  } catch (const std::bad_alloc&) {
    // Its prefix has to be computed again, no more than that.
  }
  entry.session.reset();
  {
    const std::scoped_lock lock(mutex);
    --live;
    ++stats.finished;
    stats.idle_sessions = pool.size();
    stats.idle_tokens = pool.tokens();
  }
  try {
    if (const std::function<void()> on_done = entry.settle()) on_done();
  } catch (...) {
    // There is nobody left to tell: the request is done.
  }
  const std::scoped_lock lock(mutex);
  if (--unsettled == 0) drained.notify_all();
}

void Scheduler::State::give_back(Ticket::State& entry) {
  Session& session = *entry.session;
  if (!entry.request.use_cache) static_cast<void>(session.rewind(0));  // always possible
  pool.give(std::move(session), entry.request.cache_salt);
}

void Scheduler::State::admit() {
  const std::scoped_lock lock(mutex);
  while (!queue.empty() && running.size() < static_cast<std::size_t>(options.max_running)) {
    running.push_back(std::move(queue.front()));
    queue.pop_front();
  }
}

void Scheduler::State::give_sessions() {
  for (const Entry& entry : running) {
    if (entry->session) continue;
    try {
      if (!is_computed_by_another(*entry)) start(*entry);
    } catch (...) {
      entry->failure = std::current_exception();
    }
  }
}

void Scheduler::State::start(Ticket::State& entry) {
  const TokenSpan reusable = entry.reuses_cache() ? TokenSpan(entry.request.context) : TokenSpan();
  entry.session = pool.take(reusable, entry.request.cache_salt, neighbours());
  entry.generation->begin(*entry.session);
  {
    const std::scoped_lock lock(mutex);
    stats.cached_tokens += entry.generation->cached_tokens();
    stats.idle_sessions = pool.size();
    stats.idle_tokens = pool.tokens();
  }
  if (!entry.generation->prefills()) choose(entry);
}

/// Whether it pays to wait until another prompt has been read as far as this one begins alike. It
/// never takes longer than reading the same beside it, from the same budget.
bool Scheduler::State::is_computed_by_another(const Ticket::State& entry) const {
  if (!entry.reuses_cache()) return false;
  const std::vector<TokenId>& context = entry.request.context;
  const std::string& salt = entry.request.cache_salt;
  const int cached = pool.best_prefix(context, salt, neighbours());
  return std::any_of(running.begin(), running.end(), [&](const Entry& other) {
    if (!other->session || other->has_ended() || !other->generation->prefills()) return false;
    if (!other->request.use_cache || other->request.cache_salt != salt) return false;
    const int shared = common_prefix(other->request.context, context);
    return other->session->position() < shared && shared >= cached + PrefixPool::kWorthwhile;
  });
}

/// The running requests whose prefixes others may copy.
std::vector<Neighbour> Scheduler::State::neighbours() const {
  std::vector<Neighbour> found;
  for (const Entry& entry : running) {
    if (!entry->session || !entry->request.use_cache) continue;
    found.push_back({&*entry->session, entry->request.cache_salt});
  }
  return found;
}

void Scheduler::State::run_step() {
  std::vector<Ticket::State*> members;
  try {
    members = fill_step();
    if (members.empty() || !run_feeds(members)) return;  // nobody wants it any more
  } catch (...) {  // memory or the device; what the caches hold by now is uncertain
    for (const Entry& entry : running) {
      if (!entry->session) continue;
      entry->failure = std::current_exception();
      entry->session.reset();
    }
    return;
  }
  for (Ticket::State* entry : members) {
    try {
      entry->generation->fed(static_cast<int>(entry->feed.tokens.size()), *entry->session);
      if (!entry->generation->prefills()) choose(*entry);
    } catch (...) {
      entry->failure = std::current_exception();
    }
  }
}

/// Everybody who has said something goes on; what is left of one pass over the weights is for
/// prompts.
std::vector<Ticket::State*> Scheduler::State::fill_step() {
  std::vector<int> needs;
  int decodes = 0;
  for (const Entry& entry : running) {
    if (!entry->session) continue;
    if (entry->generation->prefills()) {
      needs.push_back(entry->generation->prompt_left());
    } else {
      ++decodes;
    }
  }
  const int left = model.engine()->prefill_chunk() - decodes;
  const int most = options.step_tokens == 0 ? left : std::min(options.step_tokens, left);
  const std::vector<int> shares = fair_shares(std::max(1, most), needs);
  std::vector<Ticket::State*> members;
  auto share = shares.begin();
  for (const Entry& entry : running) {
    if (!entry->session) continue;
    const int count = entry->generation->prefills() ? *share++ : 1;
    if (count == 0) continue;
    entry->feed = entry->generation->next(count);
    members.push_back(entry.get());
  }
  return members;
}

/// Returns false if cancelled.
bool Scheduler::State::run_feeds(std::span<Ticket::State* const> members) {
  std::vector<StepEntry> entries;
  std::vector<std::stop_token> tokens;
  std::int64_t rows = 0;
  std::int64_t prompt_rows = 0;
  for (Ticket::State* member : members) {
    const Generation::Feed& feed = member->feed;
    const std::span masks(&feed.allowed, feed.allowed.empty() ? 0 : 1);
    entries.push_back({&*member->session, feed.tokens, feed.wanted, masks});
    tokens.push_back(member->stop.get_token());
    rows += static_cast<std::int64_t>(feed.tokens.size());
    if (member->generation->prefills())
      prompt_rows += static_cast<std::int64_t>(feed.tokens.size());
  }
  const StepCancel cancel(tokens, shutdown.get_token());
  if (!step(entries, cancel.token())) return false;
  const std::scoped_lock lock(mutex);
  ++stats.steps;
  stats.step_rows += rows;
  stats.prompt_tokens += prompt_rows;
  return true;
}

void Scheduler::State::choose(Ticket::State& entry) {
  const int before = entry.generation->produced();
  entry.reason = entry.generation->choose(std::as_const(*entry.session));
  const std::scoped_lock lock(mutex);
  stats.generated_tokens += entry.generation->produced() - before;
}

Scheduler::Scheduler(const Model& model, const SchedulerOptions& options)
    : state_(std::make_unique<State>(model, options)) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Scheduler::~Scheduler() {
  state_->shutdown.request_stop();
  {
    const std::scoped_lock lock(state_->mutex);
    state_->draining = true;
  }
  state_->wake.notify_one();
  state_->thread.join();
}

Ticket Scheduler::submit(Request request) {
  State& state = *state_;
  auto entry =
      std::make_shared<Ticket::State>(std::move(request), state.model, state.pool.context_length());
  {
    const std::scoped_lock lock(state.mutex);
    const int places = state.options.max_running + state.options.max_queued;
    const bool takes = !state.draining && state.live < places;
    if (!takes) ++state.stats.refused;
    require(!state.draining, ErrorCode::busy,
            "submit: expected a scheduler that takes requests, found one that is ending");
    require(takes, ErrorCode::busy,
            "submit: expected less than {} requests that run and {} that wait, found as many",
            state.options.max_running, state.options.max_queued);
    state.queue.push_back(entry);
    ++state.live;
    ++state.unsettled;
    ++state.stats.accepted;
  }
  state.wake.notify_one();
  return Ticket(std::move(entry));
}

void Scheduler::drain() {
  std::unique_lock lock(state_->mutex);
  state_->draining = true;
  state_->drained.wait(lock, [&] { return state_->unsettled == 0; });
}

SchedulerStats Scheduler::stats() const {
  const std::scoped_lock lock(state_->mutex);
  SchedulerStats stats = state_->stats;
  stats.queued = static_cast<int>(state_->queue.size());
  stats.running = state_->live - stats.queued;
  return stats;
}

}  // namespace gemma2
