// SPDX-License-Identifier: Apache-2.0
//
// Texts grown token by token: none may leave the language, run into a dead end or depend on who
// else uses the grammar.
#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "model/grammar_vocabulary.h"
#include "model/json_checker.h"
#include "support/expect_error.h"

namespace gemma2 {
namespace {

using nlohmann::json;
using test::expect_error;

constexpr int kPatience = 60;  // tokens after which a walk looks for the end
constexpr int kMaxTokens = 4000;

std::vector<TokenId> allowed_tokens(GrammarState& state, const Tokenizer& tokenizer) {
  const TokenMask mask = state.allowed();
  std::vector<TokenId> tokens;
  for (TokenId token = 0; token < tokenizer.vocab_size(); ++token) {
    if (is_allowed(mask, token)) tokens.push_back(token);
  }
  return tokens;
}

/// Random tokens until one of them ends the text; late ones rather close something.
std::string walk(const Grammar& grammar, const Tokenizer& tokenizer, std::mt19937& random) {
  GrammarState state(grammar, tokenizer);
  std::vector<TokenId> generated;
  while (generated.size() < kMaxTokens) {
    std::vector<TokenId> tokens = allowed_tokens(state, tokenizer);
    EXPECT_FALSE(tokens.empty()) << tokenizer.decode(generated);
    if (tokens.empty()) break;
    EXPECT_EQ(state.finished(), tokenizer.ends_generation(tokens.front()));
    if (state.finished() && (generated.size() > kPatience || random() % 2 == 0)) break;
    if (generated.size() > kPatience) {
      const auto opens = [&](TokenId t) {
        return tokenizer.bytes(t).find_first_of("\"}]") == std::string_view::npos ||
               tokenizer.bytes(t).find_first_of("[{,") != std::string_view::npos;
      };
      const auto end = std::remove_if(tokens.begin(), tokens.end(), opens);
      if (end != tokens.begin()) tokens.erase(end, tokens.end());
    }
    const TokenId token = tokens[random() % tokens.size()];
    if (tokenizer.ends_generation(token)) break;
    state.accept(token);
    generated.push_back(token);
  }
  EXPECT_TRUE(state.finished()) << tokenizer.decode(generated);
  return tokenizer.decode(generated);
}

/// A schema with everything in it, and not too deep.
class SchemaMaker {
 public:
  explicit SchemaMaker(unsigned seed) : random_(seed) {}

  json make() {
    json root = schema(3);
    if (!root.is_object()) root = json::object({{"anyOf", {root, {{"type", "null"}}}}});
    root["$defs"]["d"] = {{"type", "object"},
                          {"properties", {{"v", schema(1)}, {"next", {{"$ref", "#/$defs/d"}}}}}};
    return root;
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  json scalar() {
    switch (below(8)) {
      case 0:
        return {{"type", "string"}};
      case 1:
        return {{"type", "string"}, {"minLength", below(4)}, {"maxLength", 4 + below(4)}};
      case 2:
        return {{"type", "integer"}, {"minimum", below(100) - 50}, {"maximum", 50 + below(1000)}};
      case 3:
        return {{"type", "number"}, {"description", "any"}};
      case 4:
        return {{"type", {"boolean", "null", "integer"}}};
      case 5:
        return {{"enum", {"a", "ab", 1, 2.5, nullptr, {1, 2}, "\u00e9\n"}}};
      case 6:
        return {{"const", below(2) == 0 ? json("abc") : json(12)}};
      default:
        return {{"type", "integer"}, {"exclusiveMinimum", below(9)}};
    }
  }

  json object(int depth) {
    json result = {{"type", "object"}, {"properties", json::object()}};
    const std::vector<std::string> names = {"a", "ab", "b", "abc", "\u00e9", "e\"1"};
    json required = json::array();
    for (const std::string& name : names) {
      if (below(2) == 0) continue;
      result["properties"][name] = schema(depth - 1);
      if (below(2) == 0) required.push_back(name);
    }
    if (below(4) == 0) required.push_back("other");
    if (!required.empty()) result["required"] = required;
    if (below(3) == 0) result["additionalProperties"] = schema(depth - 1);
    return result;
  }

  json array(int depth) {
    json result = {{"type", "array"}, {"items", schema(depth - 1)}};
    if (below(2) == 0) result["prefixItems"] = {schema(depth - 1), scalar()};
    if (below(2) == 0) result["minItems"] = below(4);
    if (below(2) == 0) result["maxItems"] = 3 + below(3);
    return result;
  }

  json schema(int depth) {
    if (depth == 0) return scalar();
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        return object(depth);
      case 3:
      case 4:
        return array(depth);
      case 5:
        return {{"anyOf", {schema(depth - 1), schema(depth - 1)}}};
      case 6:
        return below(2) == 0
                   ? json{{"$ref", "#/$defs/d"}}
                   : json{{"oneOf", {array(depth), {{"type", {"string", "null"}}}, object(depth)}}};
      default:
        return below(8) == 0 ? json(true) : scalar();
    }
  }

  std::mt19937 random_;
};

TEST(Grammar, TextsOfRandomSchemasSatisfyThem) {
  const Tokenizer tokenizer = test::json_tokenizer();
  std::mt19937 random(1);
  for (unsigned seed = 0; seed < 250; ++seed) {
    const json schema = SchemaMaker(seed).make();
    const Grammar grammar = Grammar::json_schema(schema.dump());
    for (int i = 0; i < 6; ++i) {
      const std::string text = walk(grammar, tokenizer, random);
      const auto value = test::read_json(text);
      ASSERT_TRUE(value) << schema << "\n" << text;
      ASSERT_TRUE(test::satisfies(*value, schema, schema)) << schema << "\n" << text;
    }
  }
}

TEST(Grammar, TextsOfTheFreeGrammarAreObjects) {
  const Tokenizer tokenizer = test::json_tokenizer();
  std::mt19937 random(2);
  for (int i = 0; i < 200; ++i) {
    const std::string text = walk(Grammar::json_object(), tokenizer, random);
    const auto value = test::read_json(text);
    ASSERT_TRUE(value && value->is_object()) << text;
  }
}

/// True if the bytes of a token may come one by one.
bool comes_byte_by_byte(const GrammarState& state, const Tokenizer& tokenizer, TokenId token) {
  if (tokenizer.ends_generation(token)) return state.finished();
  const std::string_view bytes = tokenizer.bytes(token);
  GrammarState copy = state.fork();
  return !bytes.empty() && test::feed(copy, tokenizer, bytes);
}

TEST(Grammar, MasksAreWhatTheBytesOfEachTokenSay) {
  const Tokenizer tokenizer = test::json_tokenizer();
  std::mt19937 random(3);
  for (unsigned seed = 0; seed < 25; ++seed) {
    const json schema = SchemaMaker(1000 + seed).make();
    GrammarState state(Grammar::json_schema(schema.dump()), tokenizer);
    for (int i = 0; i < 30; ++i) {
      const std::vector<TokenId> allowed = allowed_tokens(state, tokenizer);
      std::vector<TokenId> expected;
      for (TokenId token = 0; token < tokenizer.vocab_size(); ++token) {
        if (comes_byte_by_byte(state, tokenizer, token)) expected.push_back(token);
      }
      ASSERT_EQ(allowed, expected) << schema;
      const TokenId next = allowed[random() % allowed.size()];
      if (tokenizer.ends_generation(next)) break;
      state.accept(next);
    }
  }
}

TEST(Grammar, AcceptRefusesWhatIsNotAllowedAndStaysWhereItIs) {
  const Tokenizer tokenizer = test::json_tokenizer();
  GrammarState state(Grammar::json_schema(R"({"const":"ab"})"), tokenizer);
  const TokenId eos = tokenizer.special().eos;
  const auto refuses = [&](TokenId token, const char* part) {
    expect_error(ErrorCode::invalid_argument, part, [&] { state.accept(token); });
  };
  refuses(*tokenizer.find("true"), "true");
  refuses(eos, "<eos>");
  refuses(tokenizer.special().bos, "<bos>");
  refuses(tokenizer.special().start_of_turn, "<start_of_turn>");
  refuses(-1, "-1");
  refuses(tokenizer.vocab_size(), "expected an id");
  state.accept(*tokenizer.find("\""));
  state.accept(*tokenizer.find("a"));
  refuses(*tokenizer.find("ab"), "ab");
  EXPECT_FALSE(state.finished());
  state.accept(*tokenizer.find("b"));
  state.accept(*tokenizer.find("\""));
  EXPECT_TRUE(state.finished());
  const std::vector<TokenId> ends = {eos, tokenizer.special().end_of_turn};
  EXPECT_EQ(allowed_tokens(state, tokenizer), ends);
  state.accept(eos);
  EXPECT_TRUE(state.finished());
  refuses(*tokenizer.find("b"), "b");
}

TEST(Grammar, CharactersMayBeSplit) {
  const Tokenizer tokenizer = test::json_tokenizer();
  GrammarState state(Grammar::json_schema(R"({"type":"string","maxLength":1})"), tokenizer);
  ASSERT_TRUE(test::feed(state, tokenizer, "\"\xF0\x9F"));
  const auto allowed = [&](std::string_view piece) {
    return is_allowed(state.allowed(), *tokenizer.find(piece));
  };
  EXPECT_FALSE(allowed("\""));
  EXPECT_FALSE(allowed("\u00e9"));
  EXPECT_TRUE(allowed("<0x98>"));
  EXPECT_FALSE(allowed("<0xC3>"));
  ASSERT_TRUE(test::feed(state, tokenizer, "\x98\x80"));
  EXPECT_FALSE(allowed("a"));
  EXPECT_TRUE(allowed("\""));
}

TEST(Grammar, NestsAsDeepAsItCanClose) {
  const Tokenizer tokenizer = test::json_tokenizer();
  std::string open = "{";
  for (int i = 1; i < 64; ++i) open += "\"a\":{";
  const std::string text = open + std::string(64, '}');
  EXPECT_TRUE(test::accepts(Grammar::json_object(), tokenizer, text));
  GrammarState state(Grammar::json_object(), tokenizer);
  EXPECT_TRUE(test::feed(state, tokenizer, open));
  EXPECT_FALSE(test::feed(state, tokenizer, "\"")) << "a key would need a value one level deeper";
  // Where each level needs two more, the last ones can not even be begun.
  const Grammar pairs = Grammar::json_schema(
      R"({"properties":{"a":{"minItems":1,"maxItems":1,"items":
          {"items":{"$ref":"#"},"maxItems":1}}},"required":["a"]})");
  std::mt19937 random(4);
  for (int i = 0; i < 20; ++i) {
    GrammarState deep(pairs, tokenizer);
    for (int t = 0; t < kMaxTokens && !deep.finished(); ++t) {
      std::vector<TokenId> tokens = allowed_tokens(deep, tokenizer);
      ASSERT_FALSE(tokens.empty());
      const auto opens = [&](TokenId token) {
        return tokenizer.bytes(token).find_first_of("]}") == std::string_view::npos;
      };
      const auto end = std::stable_partition(tokens.begin(), tokens.end(), opens);
      const auto count = std::max<std::ptrdiff_t>(end - tokens.begin(), 1);
      deep.accept(tokens[random() % static_cast<std::size_t>(count)]);
    }
    EXPECT_TRUE(deep.finished());
  }
}

TEST(Grammar, ForksGoTheirOwnWays) {
  const Tokenizer tokenizer = test::json_tokenizer();
  GrammarState first(Grammar::json_schema(R"({"type":["null","boolean"]})"), tokenizer);
  GrammarState second = first.fork();
  EXPECT_TRUE(test::feed(first, tokenizer, "null"));
  EXPECT_FALSE(second.finished());
  EXPECT_TRUE(test::feed(second, tokenizer, "true"));
  GrammarState third = std::move(second);
  EXPECT_TRUE(third.finished());
}

TEST(Grammar, MasksDoNotDependOnOtherUsersOfAGrammar) {
  const Tokenizer tokenizer = test::json_tokenizer();
  const std::string schema = SchemaMaker(7).make().dump();
  const auto texts = [&](const Grammar& grammar, unsigned seed) {
    std::mt19937 random(seed);
    std::string all;
    for (int i = 0; i < 20; ++i) all += walk(grammar, tokenizer, random) + "\n";
    return all;
  };
  std::vector<std::string> alone;
  for (unsigned seed = 0; seed < 4; ++seed)
    alone.push_back(texts(Grammar::json_schema(schema), seed));
  const Grammar shared = Grammar::json_schema(schema);
  std::vector<std::string> together(alone.size());
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] { together[seed] = texts(shared, seed); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(together, alone);
}

}  // namespace
}  // namespace gemma2
