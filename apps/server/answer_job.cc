// SPDX-License-Identifier: Apache-2.0
#include "answer_job.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <random>
#include <utility>

#include "gemma2/error.h"

#include "batch.h"

namespace gemma2::server {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point start, Clock::time_point end) {
  return std::chrono::duration<double>(end - start).count();
}

double seconds_since(Clock::time_point start) {
  return seconds_between(start, Clock::now());
}

/// The mean log-probability of its tokens.
double likelihood(const GenerateResult& result) {
  double sum = 0;
  for (const GeneratedToken& token : result.tokens) sum += static_cast<double>(token.logprob);
  return result.tokens.empty() ? 0 : sum / static_cast<double>(result.tokens.size());
}

/// A job on its way. All but run() happens on the scheduler's thread, one call at a time.
class Runner : public std::enable_shared_from_this<Runner> {
 public:
  Runner(Metrics& metrics, AnswerJob job)
      : metrics_(metrics), job_(std::move(job)), candidates_(count_candidates()) {
    const AnswerRequest& request = *job_.request;
    // 32 bits: a seed that people copy, and that every JSON reader keeps exact.
    seed_ = request.has_seed ? request.options.sampling.seed : std::random_device{}();
  }

  void run(Scheduler& scheduler, std::chrono::milliseconds time_limit) {
    std::vector<Request> requests;
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      requests.push_back(make_request(i, time_limit));
    }
    const auto self = shared_from_this();
    run_batch(scheduler, std::move(requests),
              {.accepted = [self] { self->open(); },
               .finished = [self](std::size_t i, const GenerateResult& r) { self->close(i, r); },
               .all_finished = [self](auto results) { self->end(results); },
               .failed = [self](const std::exception_ptr& error) { self->fail(error); }});
  }

 private:
  struct Candidate {
    std::vector<GeneratedToken> untold = {};  // tokens whose text is not out yet
    std::optional<Clock::time_point> last_token = {};
    Timings timings = {};
  };

  [[nodiscard]] std::size_t count_candidates() const {
    return job_.prompts.size() * static_cast<std::size_t>(per_prompt());
  }
  [[nodiscard]] int per_prompt() const { return std::max(job_.request->n, job_.request->best_of); }
  [[nodiscard]] std::size_t prompt_of(std::size_t candidate) const {
    return candidate / static_cast<std::size_t>(per_prompt());
  }
  /// Candidates are choices but where the best of more are looked for, which no stream does.
  [[nodiscard]] bool chooses() const { return per_prompt() > job_.request->n; }
  [[nodiscard]] std::uint64_t seed_of(std::size_t candidate) const {
    return seed_ + candidate % static_cast<std::size_t>(per_prompt());
  }

  Request make_request(std::size_t index, std::chrono::milliseconds time_limit) {
    const AnswerRequest& asked = *job_.request;
    Request request;
    request.context = job_.prompts[prompt_of(index)].tokens;
    request.options = asked.options;
    request.options.sampling.seed = seed_of(index);
    request.options.cancel = job_.exchange->gone();
    if (chooses()) request.options.top_logprobs = std::max(0, request.options.top_logprobs);
    request.use_cache = asked.cache_prompt;
    request.cache_salt = asked.cache_salt;
    const auto limit = asked.time_limit ? *asked.time_limit : time_limit;
    if (limit.count() > 0) request.deadline = start_ + limit;
    const auto self = shared_from_this();
    request.options.on_token = [self, index](const GeneratedToken& token) {
      self->note_token(index, token);
    };
    if (!asked.stream) return request;
    request.sink = [self, index](std::string_view text) { self->tell(index, text); };
    request.options.on_prefill = [self, index](int done, int total) {
      self->note_progress(index, done, total);
    };
    return request;
  }

  void open() {
    if (!job_.request->stream) return;
    job_.exchange->begin_events({});
    for (std::size_t i = 0; i < candidates_.size(); ++i) {
      send(job_.format->opening(static_cast<int>(i)));
    }
  }

  void note_progress(std::size_t index, int done, int total) {
    Timings& timings = candidates_[index].timings;
    if (timings.prompt_tokens == 0) timings.cached_tokens = done;
    timings.prompt_tokens = total;
    timings.prefill_seconds = seconds_since(start_);
    if (job_.request->return_progress) {
      send(job_.format->progress(static_cast<int>(index), done, total));
    }
  }

  void note_token(std::size_t index, const GeneratedToken& token) {
    Candidate& candidate = candidates_[index];
    const Clock::time_point now = Clock::now();
    ++candidate.timings.answer_tokens;
    const double since_start = seconds_between(start_, now);
    candidate.timings.decode_seconds = since_start - candidate.timings.prefill_seconds;
    if (candidate.last_token) {
      metrics_.next_token(seconds_between(*candidate.last_token, now));
    } else {
      metrics_.first_token(since_start);
    }
    candidate.last_token = now;
    if (job_.request->stream) candidate.untold.push_back(token);
  }

  void tell(std::size_t index, std::string_view text) {
    Candidate& candidate = candidates_[index];
    const std::vector<GeneratedToken> tokens = std::exchange(candidate.untold, {});
    send(job_.format->piece(static_cast<int>(index), text, tokens, candidate.timings));
  }

  void close(std::size_t index, const GenerateResult& result) {
    if (result.reason == StopReason::cancelled) {  // by the server, or nobody is left to be told
      throw ApiError::of_status(503, "the server is shutting down");
    }
    metrics_.finished(result, seconds_since(start_));
    if (!job_.request->stream) return;
    // Tokens without text, at the end; those of a stop string are not part of the answer.
    const bool belongs = result.reason != StopReason::stop_text;
    if (belongs && !candidates_[index].untold.empty()) tell(index, {});
    send(job_.format->closing(make_choice(index, static_cast<int>(index), result)));
  }

  void end(const std::vector<const GenerateResult*>& results) {
    const std::vector<Choice> choices = choose(results);
    const Usage usage = add_up(results);
    if (!job_.request->stream) {
      job_.exchange->respond({.body = job_.format->body(choices, usage) + "\n"});
      return;
    }
    send(job_.format->usage(choices, usage));
    send(job_.format->end());
    job_.exchange->end_events();
  }

  void fail(const std::exception_ptr& error) {
    const ApiError told = api_error(error);
    if (!job_.request->stream) {
      job_.exchange->respond(told.response());
      return;
    }
    send(told.json());
    job_.exchange->end_events();
  }

  /// The n likeliest of each prompt's candidates, in the order they came in.
  [[nodiscard]] std::vector<Choice> choose(const std::vector<const GenerateResult*>& results) {
    const auto group = static_cast<std::size_t>(per_prompt());
    const auto wanted = static_cast<std::size_t>(job_.request->n);
    std::vector<Choice> choices;
    for (std::size_t first = 0; first < results.size(); first += group) {
      std::vector<std::size_t> order(group);
      for (std::size_t k = 0; k < group; ++k) order[k] = first + k;
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return chooses() && likelihood(*results[a]) > likelihood(*results[b]);
      });
      order.resize(wanted);
      for (const std::size_t i : order) {
        choices.push_back(make_choice(i, static_cast<int>(choices.size()), *results[i]));
      }
    }
    return choices;
  }

  [[nodiscard]] Choice make_choice(std::size_t candidate, int index, const GenerateResult& result) {
    const PromptTokens& prompt = job_.prompts[prompt_of(candidate)];
    return {.index = index,
            .prompt = prompt.tokens,
            .added_bos = prompt.added_bos,
            .result = &result,
            .seed = seed_of(candidate)};
  }

  [[nodiscard]] Usage add_up(const std::vector<const GenerateResult*>& results) const {
    Usage usage;
    for (std::size_t i = 0; i < results.size(); ++i) {
      usage.completion_tokens += static_cast<int>(results[i]->tokens.size());
      if (i % static_cast<std::size_t>(per_prompt()) != 0) continue;
      usage.prompt_tokens += results[i]->prompt_tokens;
      usage.cached_tokens += results[i]->cached_tokens;
    }
    return usage;
  }

  void send(const std::string& event) {
    if (!event.empty()) job_.exchange->send_event(event);
  }

  Metrics& metrics_;
  AnswerJob job_;
  std::vector<Candidate> candidates_;
  Clock::time_point start_ = Clock::now();
  std::uint64_t seed_ = 0;
};

}  // namespace

void run_answer(Scheduler& scheduler, Metrics& metrics, AnswerJob job,
                std::chrono::milliseconds time_limit) {
  std::make_shared<Runner>(metrics, std::move(job))->run(scheduler, time_limit);
}

ApiError api_error(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const ApiError& told) {
    return told;
  } catch (const Error& failure) {
    switch (failure.code()) {
      case ErrorCode::invalid_argument:
        return ApiError::invalid({}, failure.what());
      case ErrorCode::unsupported:
        return ApiError::unsupported({}, failure.what());
      case ErrorCode::busy:
        return ApiError::busy(failure.what(), 1);
      case ErrorCode::out_of_memory:
        return ApiError::of_status(503, failure.what());
      case ErrorCode::non_finite_logits:
        return ApiError::of_status(500, failure.what(), "non_finite_logits");
      case ErrorCode::io:
      case ErrorCode::malformed_file:
      case ErrorCode::device:
        break;
    }
    return ApiError::of_status(500, failure.what());
  } catch (const std::bad_alloc&) {
    return ApiError::of_status(503, "not enough memory at the moment");
  } catch (...) {
    return ApiError::of_status(500, "internal error");
  }
}

}  // namespace gemma2::server
