// SPDX-License-Identifier: Apache-2.0
//
// A request to a Scheduler has the tokens, the text and the log-probabilities of generate() alone,
// whatever runs beside it, however prompts are cut, whatever the caches hold: random loads of
// requests of all kinds, from several threads at once, against one answer after the other.
#include <memory>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "determinism/arithmetic.h"
#include "model/outcome.h"

namespace gemma2 {
namespace {

constexpr int kRequests = 60;
constexpr int kThreads = 3;

/// What is asked, and when the one who asks loses interest.
struct Wish {
  std::vector<TokenId> context = {};
  GenerateOptions options = {};
  int cancel_at = 0;  // piece of text; 0: never
};

/// Every other token, one half and then the other.
struct Masks {
  explicit Masks(int vocab_size) {
    const auto words = static_cast<std::size_t>(vocab_size + 63) / 64;
    even.assign(words, 0x5555'5555'5555'5555U);
    odd.assign(words, 0xAAAA'AAAA'AAAA'AAAAU);
  }
  std::vector<std::uint64_t> even;
  std::vector<std::uint64_t> odd;
};

class Wishes {
 public:
  Wishes(const Model& model, unsigned seed)
      : model_(model),
        random_(seed),
        masks_(std::make_shared<Masks>(model.config().vocab_size)),
        document_(test::random_tokens(model, 150, seed)) {}

  Wish next() {
    Wish wish{.context = context(), .options = {.sampling = sampling()}};
    wish.options.max_tokens = one_in(8) ? 0 : 1 + below(25);
    wish.options.ignore_end = one_in(2);
    if (one_in(3)) wish.options.top_logprobs = below(4);
    if (one_in(3))
      wish.options.stop = {"a", "the", std::string(1, static_cast<char>('b' + below(20)))};
    if (one_in(4)) {
      wish.options.allowed = [masks = masks_](TokenSpan generated) {
        return TokenMask(generated.size() % 2 == 0 ? masks->even : masks->odd);
      };
    }
    if (one_in(4)) wish.cancel_at = 1 + below(8);
    return wish;
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool one_in(int n) { return below(n) == 0; }

  /// Often some of the document, which is how prefixes come to be shared.
  std::vector<TokenId> context() {
    std::vector<TokenId> tokens =
        test::random_tokens(model_, 1 + below(120), static_cast<unsigned>(random_()));
    if (!one_in(3)) {
      tokens.insert(tokens.begin(), document_.begin(),
                    document_.begin() + below(static_cast<int>(document_.size())));
    }
    return tokens;
  }

  SamplingOptions sampling() {
    SamplingOptions options;
    if (one_in(3)) {
      options.temperature = 0;
      return options;
    }
    options.temperature = static_cast<float>(1 + below(20)) / 10;
    options.seed = random_();
    if (one_in(3)) options.top_k = 1 + below(50);
    if (one_in(3)) options.top_p = 0.9F;
    if (one_in(3)) options.min_p = 0.05F;
    if (one_in(3)) options.repetition_penalty = 1.3F;
    if (one_in(3)) options.presence_penalty = 0.5F;
    return options;
  }

  const Model& model_;
  std::mt19937 random_;
  std::shared_ptr<const Masks> masks_;
  std::vector<TokenId> document_;
};

struct Answer {
  std::vector<std::string> pieces = {};
  std::stop_source stop = {};

  std::function<void(std::string_view)> sink(int cancel_at) {
    return [this, cancel_at](std::string_view piece) {
      pieces.emplace_back(piece);
      if (static_cast<int>(pieces.size()) == cancel_at) stop.request_stop();
    };
  }
};

class SharedSteps : public test::AcrossArithmetics {
 protected:
  void expect_equal(const Wish& wish, const GenerateResult& result, const Answer& answer) {
    Answer alone;
    GenerateOptions options = wish.options;
    options.cancel = alone.stop.get_token();
    Session session(model_, test::cache_of(GetParam()));
    const GenerateResult expected =
        generate(session, wish.context, options, alone.sink(wish.cancel_at));
    ASSERT_EQ(result.reason, expected.reason);
    ASSERT_EQ(result.text, expected.text);
    ASSERT_EQ(result.stop_text, expected.stop_text);
    ASSERT_EQ(result.prompt_tokens, expected.prompt_tokens);
    ASSERT_EQ(answer.pieces, alone.pieces);
    test::expect_equal_tokens(result, expected);
  }

  void expect_equal_load(const SchedulerOptions& options, unsigned seed) {
    Wishes wishes(model_, seed);
    std::vector<Wish> asked;
    for (int i = 0; i < kRequests; ++i) asked.push_back(wishes.next());
    std::vector<Answer> answers(kRequests);
    std::vector<GenerateResult> results(kRequests);
    Scheduler scheduler(model_, options);
    std::vector<std::thread> clients;
    for (int client = 0; client < kThreads; ++client) {
      clients.emplace_back([&, client] {
        std::vector<std::pair<std::size_t, Ticket>> tickets;
        for (auto i = static_cast<std::size_t>(client); i < kRequests; i += kThreads) {
          Request request{.context = asked[i].context, .options = asked[i].options};
          request.options.cancel = answers[i].stop.get_token();
          request.sink = answers[i].sink(asked[i].cancel_at);
          tickets.emplace_back(i, scheduler.submit(std::move(request)));
        }
        for (const auto& [i, ticket] : tickets) results[i] = ticket.wait();
      });
    }
    for (std::thread& client : clients) client.join();
    for (std::size_t i = 0; i < kRequests; ++i) {
      SCOPED_TRACE("request " + std::to_string(i) + " of load " + std::to_string(seed));
      expect_equal(asked[i], results[i], answers[i]);
    }
    const SchedulerStats stats = scheduler.stats();
    EXPECT_EQ(stats.finished, kRequests);
    if (options.max_idle > 0) {
      EXPECT_GT(stats.cached_tokens, 0);
    }
  }

  Model model_ = test::load(GetParam(), {.prefill_chunk = 48});
};

TEST_P(SharedSteps, RequestsAreAsIfAlone) {
  const KvCacheOptions cache = test::cache_of(GetParam());
  expect_equal_load({.cache = cache}, 1);
  expect_equal_load({.max_running = 5, .step_tokens = 7, .max_idle = 2, .cache = cache}, 2);
}

TEST_P(SharedSteps, RingsTooAndWithoutReuse) {
  const KvCacheOptions ring = test::cache_of(GetParam(), LocalLayers::ring);
  expect_equal_load({.max_running = 12, .step_tokens = 64, .max_idle = 20, .cache = ring}, 3);
  expect_equal_load({.max_running = 3, .max_idle = 0, .cache = ring}, 4);
}

INSTANTIATE_TEST_SUITE_P(
    Some, SharedSteps,
    testing::Values(test::Arithmetic{.type = DType::f32}, test::Arithmetic{.type = DType::bf16},
                    test::Arithmetic{.type = DType::q6_k, .cache = CacheType::int8}),
    [](const testing::TestParamInfo<test::Arithmetic>& test_case) {
      return test::name_of(test_case.param);
    });

}  // namespace
}  // namespace gemma2
