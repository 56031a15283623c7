// SPDX-License-Identifier: Apache-2.0
//
// What push() and finish() return, put together, is decode(); and no part ends inside a character.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "tokenizer/test_vocabularies.h"
#include "tokenizer/utf8.h"

namespace gemma2::test {
namespace {

using Ids = std::vector<TokenId>;

TokenId byte_id(unsigned value) {
  return small_tokenizer().find("<0x00>").value() + static_cast<TokenId>(value);
}

void expect_stream_equals_batch(const Ids& ids, const DecodeOptions& options = {}) {
  StreamDecoder stream(small_tokenizer(), options);
  std::string text;
  for (const TokenId id : ids) {
    const std::string part = stream.push(id);
    ASSERT_TRUE(is_utf8(part));
    text += part;
  }
  const std::string rest = stream.finish();
  ASSERT_TRUE(is_utf8(rest));
  ASSERT_EQ(text + rest, small_tokenizer().decode(ids, options));
}

TEST(StreamDecoder, HoldsBackAnUnfinishedCharacter) {
  StreamDecoder stream(small_tokenizer());
  EXPECT_EQ(stream.push(byte_id(0xF0)), "");
  EXPECT_EQ(stream.push(byte_id(0x9F)), "");
  EXPECT_EQ(stream.push(byte_id(0xAB)), "");
  EXPECT_EQ(stream.push(byte_id(0xA8)), "\xF0\x9F\xAB\xA8");
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamDecoder, ATokenOfTextEndsAnUnfinishedCharacter) {
  StreamDecoder stream(small_tokenizer());
  EXPECT_EQ(stream.push(byte_id(0xC3)), "");
  EXPECT_EQ(stream.push(small_tokenizer().find("\n").value()), "\xEF\xBF\xBD\n");
}

TEST(StreamDecoder, FinishReplacesWhatIsLeftAndStartsAnew) {
  StreamDecoder stream(small_tokenizer());
  EXPECT_EQ(stream.push(byte_id(0xE2)), "");
  EXPECT_EQ(stream.push(byte_id(0x96)), "");
  EXPECT_EQ(stream.finish(), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(stream.finish(), "");
  EXPECT_EQ(stream.push(byte_id('x')), "x");
}

TEST(StreamDecoder, EmitsImpossibleBytesAtOnce) {
  for (const auto& [lead, next] : std::vector<std::pair<unsigned, unsigned>>{
           {0xE0, 0x80}, {0xED, 0xA0}, {0xF0, 0x80}, {0xF4, 0x90}}) {
    StreamDecoder stream(small_tokenizer());
    EXPECT_EQ(stream.push(byte_id(lead)), "");
    EXPECT_EQ(stream.push(byte_id(next)), "\xEF\xBF\xBD\xEF\xBF\xBD") << lead;
  }
}

TEST(StreamDecoder, RefusesIdsOutsideTheVocabularyAndGoesOn) {
  StreamDecoder stream(small_tokenizer());
  EXPECT_EQ(stream.push(byte_id(0xC3)), "");
  EXPECT_THROW((void)stream.push(-1), Error);
  EXPECT_EQ(stream.push(byte_id(0xA9)), "\xC3\xA9");
}

TEST(StreamDecoder, EqualsBatchDecodingForEveryPairOfBytes) {
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      expect_stream_equals_batch({byte_id(first), byte_id(second), byte_id('!')});
    }
  }
}

TEST(StreamDecoder, EqualsBatchDecodingForAwkwardBytes) {
  // Every lead class and the edges of every continuation range, in all orders of four.
  const std::vector<unsigned> bytes = {0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1,
                                       0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5};
  for (const unsigned a : bytes) {
    for (const unsigned b : bytes) {
      for (const unsigned c : bytes) {
        for (const unsigned d : bytes) {
          expect_stream_equals_batch({byte_id(a), byte_id(b), byte_id(c), byte_id(d)});
        }
      }
    }
  }
}

TEST(StreamDecoder, EqualsBatchDecodingForAnyTokens) {
  std::mt19937 random(3);
  const auto vocab = static_cast<unsigned>(small_tokenizer().vocab_size());
  for (int round = 0; round < 5000; ++round) {
    Ids ids;
    for (unsigned i = 0; i < 1 + random() % 30; ++i) {
      const bool byte = random() % 2 == 0;
      ids.push_back(byte ? byte_id(0x80 + static_cast<unsigned>(random() % 0x80))
                         : static_cast<TokenId>(random() % vocab));
    }
    expect_stream_equals_batch(ids, {.show_special = random() % 2 == 0});
  }
}

TEST(StreamDecoder, GivesBackTheCorpus) {
  for (const std::string& line : corpus()) {
    expect_stream_equals_batch(small_tokenizer().encode(line));
  }
}

}  // namespace
}  // namespace gemma2::test
