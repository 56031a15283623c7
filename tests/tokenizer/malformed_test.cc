// SPDX-License-Identifier: Apache-2.0
//
// Every prefix and every changed byte of a tokenizer.model: an Error or a tokenizer that works,
// never a crash, a hang or another exception. Run it with the sanitizers too.
#include <random>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "tokenizer/test_vocabularies.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2::test {
namespace {

std::string small_model() {
  ModelSpec spec =
      small_spec(ranked({"the", "th", "\xE2\x96\x81t", "e", "t", "h", "\xE2\x96\x81"}));
  spec.pieces.push_back({"<start_of_turn>", 0, PieceType::user_defined});
  spec.pieces.push_back({"<end_of_turn>", 0, PieceType::user_defined});
  spec.pieces.push_back({"\n\n", 0, PieceType::user_defined});
  spec.pieces.push_back({"old", -3, PieceType::unused});
  return model_bytes(spec);
}

/// Returns whether the bytes were accepted.
bool try_model(const std::string& bytes) {
  try {
    const Tokenizer tokenizer =
        make_tokenizer(read_sentencepiece_model(std::as_bytes(std::span(bytes))), "changed");
    const auto ids = tokenizer.encode(" the\n\n<end_of_turn>old\xFF", {.parse_special = true});
    (void)tokenizer.decode(ids, {.show_special = true});
    return true;
  } catch (const Error& error) {
    EXPECT_NE(error.what(), std::string());
    return false;
  }
}

TEST(MalformedModel, TheUnchangedOneIsAccepted) {
  EXPECT_TRUE(try_model(small_model()));
}

TEST(MalformedModel, NoPrefixIsAccepted) {
  const std::string bytes = small_model();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(try_model(bytes.substr(0, size))) << size;
  }
}

TEST(MalformedModel, EveryFlippedBitAndByteIsSurvived) {
  const std::string bytes = small_model();
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const unsigned flip : {0x01U, 0x02U, 0x04U, 0x08U, 0x10U, 0x20U, 0x40U, 0x80U, 0xFFU}) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ flip);
      accepted += try_model(changed) ? 1 : 0;
    }
  }
  EXPECT_GT(accepted, 0U);                    // a changed letter is a sound file
  EXPECT_LT(accepted, 9 * bytes.size() / 2);  // a changed tag or length is not
}

TEST(MalformedModel, InsertedAndDeletedBytesAreSurvived) {
  const std::string bytes = small_model();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string shorter = bytes;
    shorter.erase(at, 1);
    (void)try_model(shorter);
    for (const char byte : {'\x00', '\x0A', '\x7F', '\xFF'}) {
      std::string longer = bytes;
      longer.insert(at, 1, byte);
      (void)try_model(longer);
    }
  }
}

TEST(MalformedModel, NoiseIsSurvived) {
  std::mt19937 random(17);
  const std::string model = small_model();
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = model;
    for (unsigned i = 0; i < 1 + random() % 40; ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    (void)try_model(bytes);
    std::string noise(random() % 200, '\0');
    for (char& byte : noise) byte = static_cast<char>(random());
    EXPECT_FALSE(try_model(noise));
  }
}

TEST(MalformedModel, EveryPrefixOfTheSmallModelInStepsIsRefused) {
  const std::string bytes = small_model_bytes();
  for (std::size_t size = 0; size < bytes.size(); size += 97) {
    EXPECT_FALSE(try_model(bytes.substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace gemma2::test
