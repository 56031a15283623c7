// SPDX-License-Identifier: Apache-2.0
//
// Whole models on the emulated card: close to the CPU's float32 arithmetic, and the same bits
// however a prompt is cut, on any card and in any order of its blocks.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cuda/model_cases.h"

namespace gemma2 {
namespace {

using test::Logits;

double largest_difference(const std::vector<Logits>& a, const std::vector<Logits>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a[i].size(); ++j) {
      const double difference = std::abs(static_cast<double>(a[i][j]) - b[i][j]);
      if (!(difference <= largest)) largest = difference;
    }
  }
  return largest;
}

/// How far bf16 products may be from exact ones. A factor that is rounded to bf16 is off by less
/// than 2^-9 of itself, either way, so a sum of products of two such factors is off by less than
/// sqrt(2) 2^-9 of its own size, as the errors' signs are as random as the products'. A layer adds
/// two normed branches, each as large as the residual to begin with: one of four roundings of that
/// kind (q k v, scores, weights and values, output), one of four (gate, up, hidden, down), and the
/// head is one more. Logits are about 1.25 large, and of a hundred thousand none is off by more
/// than six times the typical error.
double logit_bound(int layers) {
  const double product = std::sqrt(2.0) / 512;
  return 6 * 1.25 * product * std::sqrt(8.0 * layers + 1);
}

class CudaModel : public test::ModelOnCard, public testing::WithParamInterface<DType> {};

INSTANTIATE_TEST_SUITE_P(Format, CudaModel,
                         testing::Values(DType::f16, DType::bf16, DType::q8_0, DType::q6_k),
                         [](const auto& of) { return std::string(to_string(of.param)); });

TEST_P(CudaModel, IsCloseToTheCpusFloat32) {
  const test::TinyModel tiny = test::card_model(GetParam());
  const Model cpu = test::load_tiny(tiny, {.device = Device::cpu, .precise = true});
  const Model card = test::load_on_card(tiny);
  const std::vector<TokenId> tokens = test::random_tokens(cpu, 50);
  Session exact(cpu);
  Session found(card);
  EXPECT_LT(largest_difference(test::feed(found, tokens, 25), test::feed(exact, tokens, 25)),
            logit_bound(tiny.layers));
}

TEST_P(CudaModel, GivesTheSameBitsHoweverAPromptIsCut) {
  test::TinyModel tiny = test::card_model(GetParam());
  tiny.layers = 1;
  const Model model = test::load_on_card(tiny);
  const std::vector<TokenId> tokens = test::random_tokens(model, 66, 2);
  Session whole(model);
  const std::vector<Logits> expected = test::feed(whole, tokens, 64);
  for (const std::size_t piece : {3, 9, 17}) {
    Session session(model);
    test::expect_rows(test::feed(session, tokens, piece), expected);
  }
}

using CudaCards = test::ModelOnCard;

/// Logits of the last of 140 tokens, and of one more after them.
std::vector<Logits> answers_of(const test::TinyModel& tiny, const emulator::Settings& settings,
                               std::string_view name) {
  emulator::reset(settings);
  const Model model = test::load_on_card(tiny, 140);
  EXPECT_EQ(model.backend_name(), name);
  Session session(model);
  session.prefill(test::random_tokens(model, 140, 3));
  std::vector<Logits> answers = {test::logits_of(session)};
  session.decode(7);
  answers.push_back(test::logits_of(session));
  return answers;
}

TEST_F(CudaCards, WithLittleSharedMemoryGiveTheSameBitsHoweverAPromptIsCut) {
  test::TinyModel tiny = test::card_model(DType::q6_k);
  tiny.heads = 2;
  tiny.kv_heads = 1;
  tiny.head_dim = 128;
  tiny.layers = 1;
  // Turing multiplies bf16 without tensor cores, in an order of its own: it is compared with
  // itself.
  emulator::reset({.major = 7, .minor = 5});
  const Model model = test::load_on_card(tiny, 64);
  const std::vector<TokenId> tokens = test::random_tokens(model, 64);
  Session whole(model);
  const std::vector<Logits> expected = test::feed(whole, tokens, 64);
  Session session(model);
  test::expect_rows(test::feed(session, tokens, 7), expected);
}

TEST_F(CudaCards, OfAllKindsGiveTheSameBits) {
  test::TinyModel tiny = test::card_model(DType::q6_k);
  tiny.heads = 2;
  tiny.kv_heads = 1;
  tiny.head_dim = 128;
  tiny.layers = 1;
  const std::vector<Logits> expected = answers_of(tiny, test::kAmpere, "cuda/sm_80");
  const long launches = emulator::counters().launches;
  EXPECT_GT(launches, 0);
  // Hopper: its own products and attention. Blocks and threads in any order, work as late as may
  // be, few multiprocessors and many.
  test::expect_rows(answers_of(tiny, {.major = 9, .minor = 0}, "cuda/sm_90"), expected);
  test::expect_rows(answers_of(tiny,
                               {.major = 12,
                                .minor = 0,
                                .multiprocessors = 132,
                                .blocks = emulator::Order::descending,
                                .threads = emulator::Order::shuffled,
                                .late = true},
                               "cuda/sm_120"),
                    expected);
}

}  // namespace
}  // namespace gemma2
