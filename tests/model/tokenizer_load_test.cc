// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"
#include "support/temp_dir.h"

namespace gemma2 {
namespace {

using test::expect_error;

/// A SentencePiece ModelProto of a vocabulary, written field by field.
std::string proto_of(const Vocabulary& vocabulary) {
  const auto field = [](char tag, const std::string& bytes) {
    std::string out(1, tag);
    for (std::size_t length = bytes.size();; length >>= 7) {
      const bool last = length < 0x80;
      out += static_cast<char>((length & 0x7F) | (last ? 0 : 0x80));
      if (last) return out + bytes;
    }
  };
  const auto number = [](const std::string& tag, TokenId value) {
    return tag + static_cast<char>(value);
  };
  std::string proto;
  for (const Piece& piece : vocabulary.pieces) {
    std::string score(sizeof(float), '\0');
    std::memcpy(score.data(), &piece.score, sizeof(float));
    proto += field('\x0A', field('\x0A', piece.text) + '\x15' + score + '\x18' +
                               static_cast<char>(piece.type));
  }
  const std::string size = {static_cast<char>((vocabulary.pieces.size() & 0x7F) | 0x80),
                            static_cast<char>(vocabulary.pieces.size() >> 7)};
  proto +=
      field('\x12', "\x18\x02\x20" + size + number("\x98\x02", 1) +
                        number("\xC0\x02", vocabulary.unk) + number("\xC8\x02", vocabulary.bos) +
                        number("\xD0\x02", vocabulary.eos) + number("\xD8\x02", vocabulary.pad));
  const std::string off(1, '\0');
  proto += field('\x1A', field('\x0A', "identity") + '\x18' + off + '\x20' + off);
  return proto;
}

class TokenizerLoad : public testing::Test {
 protected:
  std::filesystem::path written(const std::string& name, const std::string& content) {
    test::write_file(dir_ / name, content);
    return dir_ / name;
  }
  std::filesystem::path written(const std::string& name, std::span<const std::byte> content) {
    test::write_file(dir_ / name, content);
    return dir_ / name;
  }

  test::TempDir dir_;
  const std::string text_ = "the fox is in the sun ~ \n\n one";
};

TEST_F(TokenizerLoad, TakesAGgufByItsBytesNotItsName) {
  const std::vector<std::byte> gguf = test::tiny_gguf();
  const Model model = Model::from_bytes(gguf);
  const Tokenizer tokenizer = Tokenizer::load(written("tokenizer.json", gguf));
  EXPECT_EQ(tokenizer.encode(text_), model.tokenizer().encode(text_));
}

TEST_F(TokenizerLoad, TakesATokenizerModelByItsBytesNotItsName) {
  const Model model = test::load_tiny();
  const std::string proto = proto_of(test::tiny_vocabulary());
  const Tokenizer tokenizer = Tokenizer::load(written("some.gguf", proto));
  EXPECT_EQ(tokenizer.vocab_size(), model.tokenizer().vocab_size());
  EXPECT_EQ(tokenizer.encode(text_), model.tokenizer().encode(text_));
}

TEST_F(TokenizerLoad, PrefersTheTokenizerModelOfAFolder) {
  written("tokenizer.json", std::string("{}"));
  written("tokenizer.model", proto_of(test::tiny_vocabulary()));
  EXPECT_GT(Tokenizer::load(dir_.path()).vocab_size(), 256);
}

TEST_F(TokenizerLoad, NamesWhatAFolderLacks) {
  expect_error(ErrorCode::io, dir_.path().string() + ": expected tokenizer.model or tokenizer.json",
               [&] { static_cast<void>(Tokenizer::load(dir_.path())); });
}

TEST_F(TokenizerLoad, NamesTheFileThatIsNone) {
  for (const std::string& content :
       {std::string(), std::string("hello"), std::string("{"), std::string("\x0A\x03"),
        std::string("<!DOCTYPE html><html>"), std::string("GGUF")}) {
    const std::filesystem::path path = written("broken", content);
    expect_error(ErrorCode::malformed_file, path.string(),
                 [&] { static_cast<void>(Tokenizer::load(path)); });
  }
  expect_error(ErrorCode::io, "missing",
               [&] { static_cast<void>(Tokenizer::load(dir_ / "missing")); });
}

}  // namespace
}  // namespace gemma2
