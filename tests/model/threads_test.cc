// SPDX-License-Identifier: Apache-2.0
//
// Numbers of threads that no machine has, and machines that have one: an error, or the same bits.
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/model_fixture.h"
#include "support/one_cpu.h"

namespace gemma2 {
namespace {

TEST(Threads, BeyondTheLimitLoadingIsAnErrorThatSaysIt) {
  for (const int count : {-1, kMaxThreads + 1, 100'000}) {
    test::expect_error(ErrorCode::invalid_argument,
                       "num_threads: expected 0 to 1024, found " + std::to_string(count),
                       [&] { test::load_tiny({}, {.num_threads = count}); });
  }
}

TEST(Threads, BeyondTheLimitQuantizingIsAnErrorThatSaysItAndWritesNothing) {
  const std::filesystem::path output = "never_written.gguf";
  for (const int count : {-1, kMaxThreads + 1, 100'000}) {
    test::expect_error(ErrorCode::invalid_argument,
                       "num_threads: expected 0 to 1024, found " + std::to_string(count),
                       [&] { quantize("any.gguf", output, {.num_threads = count}); });
  }
  EXPECT_FALSE(std::filesystem::exists(output));
}

TEST(Threads, OneCpuIsUsedByOneThreadUnlessMoreAreAskedFor) {
  const auto logits = [](int num_threads) {
    const Model model = Model::from_bytes(test::tiny_gguf(), {.num_threads = num_threads});
    EXPECT_EQ(model.num_threads(), num_threads == 0 ? 1 : num_threads);
    Session session(model);
    const std::vector<TokenId> tokens = test::random_tokens(model, 20);
    session.prefill(TokenSpan(tokens).first(16));
    return test::feed(session, TokenSpan(tokens).last(4)).back();
  };
  const test::Logits expected = logits(2);
  const test::OneCpu one;
  for (const int num_threads : {0, 1, 2, 7}) {
    EXPECT_TRUE(test::bit_equal(logits(num_threads), expected)) << num_threads << " threads";
  }
}

}  // namespace
}  // namespace gemma2
