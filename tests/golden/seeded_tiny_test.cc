// SPDX-License-Identifier: Apache-2.0
//
// The seeded tiny model: six tokens against a published table, and a run long enough for every ring
// and attention chunk to wrap.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/model.h"

#include "golden/golden_files.h"
#include "golden/seeded_model.h"

namespace gemma2::golden {
namespace {

const std::vector<TokenId> kTableTokens = {2, 5, 7, 11, 3, 14};

// [position][token], computed in double precision; five decimals, so each is off by up to 5e-6.
const std::vector<float> kTable = {
    -0.02995F, 10.63300F,  17.21434F,  -8.01719F,  0.34941F,  -0.23384F,  8.58928F,  7.12375F,
    6.31755F,  -2.72213F,  10.38411F,  -9.55014F,  -4.41399F, 11.14528F,  4.58724F,  6.42730F,
    1.55478F,  8.50647F,   2.30924F,   -13.64259F, -4.43342F, 15.52743F,  -4.33767F, -1.71858F,
    2.86227F,  0.29114F,   3.91915F,   2.94012F,   3.06122F,  3.16544F,   7.17521F,  6.34893F,
    -3.57275F, 3.84800F,   10.38259F,  0.85639F,   8.58597F,  -0.24749F,  9.29400F,  15.10385F,
    -2.09549F, 3.75177F,   6.36524F,   6.80761F,   2.75202F,  -1.49807F,  5.02016F,  -2.89605F,
    -4.32087F, -4.05630F,  -7.85806F,  4.69628F,   8.97152F,  5.57188F,   0.28047F,  6.62076F,
    1.22121F,  5.71372F,   -0.36414F,  17.34371F,  0.97594F,  -8.19276F,  6.86406F,  -5.63612F,
    -2.96937F, -13.63925F, -10.80981F, 17.89531F,  5.27834F,  -12.86941F, 0.63972F,  2.57586F,
    -8.67433F, 3.22724F,   -10.46330F, 5.99561F,   6.24053F,  -14.33444F, -5.09388F, -13.10245F,
    12.49525F, 10.12669F,  5.08865F,   -4.46574F,  -3.52822F, 3.81650F,   1.77988F,  2.31888F,
    7.09871F,  -5.23288F,  -5.86256F,  3.58291F,   0.88773F,  -4.34212F,  18.87809F, 6.80681F,
};

class SeededTiny : public testing::Test {
 protected:
  [[nodiscard]] Model load(int prefill_chunk = 512) const {
    const std::string donor = "f32_2b_like";
    const int pieces = read_golden(donor).vocab_size;
    EXPECT_EQ(write_seeded_model(folder_.path(), case_folder(donor) / "tokenizer.model", pieces),
              kSeededLastState);
    LoadOptions options = exact_options();
    options.prefill_chunk = prefill_chunk;
    return Model::load(folder_.path(), options);
  }

  /// The largest error of a whole run, cut into steps of `chunk` tokens.
  static float error_of(const Model& model, const Golden& golden, const KvCacheOptions& options,
                        int chunk) {
    Session session(model, options);
    const auto logits = logits_of(session, golden.tokens, golden.vocab_size, chunk);
    return largest_difference(logits, golden).value;
  }

 private:
  TemporaryFolder folder_{testing::UnitTest::GetInstance()->current_test_info()->name()};
};

// The table promises 2e-3 to any float32 implementation; ours holds the bound of all goldens.
TEST_F(SeededTiny, MatchesThePublishedTable) {
  const Golden table{kTableTokens, kSeededVocabSize, kTable};
  EXPECT_LE(error_of(load(), table, {.type = CacheType::f32}, kRowsPerStep), kMaxLogitError);
}

TEST_F(SeededTiny, LongRunMatchesTheOracle) {
  const Golden golden = read_golden("seeded_tiny");
  EXPECT_LE(error_of(load(), golden, {.type = CacheType::f32}, kRowsPerStep), kMaxLogitError);
}

TEST_F(SeededTiny, LongRunThroughARingMatchesTheOracle) {
  const Golden golden = read_golden("seeded_tiny");
  const KvCacheOptions ring{.local_layers = LocalLayers::ring, .type = CacheType::f32};
  EXPECT_LE(error_of(load(8), golden, ring, 13), kMaxLogitError);
}

}  // namespace
}  // namespace gemma2::golden
