// SPDX-License-Identifier: Apache-2.0
//
// The whole server over loopback, held to what the library says: the same text, the same
// log-probabilities, and nothing left behind by those who leave.
#include "server/server.h"

#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gemma2/gemma2.h"

#include "model/model_fixture.h"
#include "server/http_client.h"

namespace gemma2::server {
namespace {

using nlohmann::json;
using test::RawClient;
using test::request_text;
using Reply = test::JsonReply;
using testing::HasSubstr;

class ServerTest : public testing::Test {
 protected:
  [[nodiscard]] static ServerOptions options() {
    ServerOptions options;
    options.http.port = 0;
    options.scheduler = {.max_running = 4, .max_queued = 64, .step_tokens = 32, .max_idle = 4};
    options.model_name = "tiny";
    return options;
  }

  Server& start(ServerOptions with = options()) {
    server_ = std::make_unique<Server>(std::move(with));
    server_->start(model_);
    return *server_;
  }
  [[nodiscard]] int port() const { return server_->port(); }

  [[nodiscard]] static json user(const std::string& text) {
    return json::array({{{"role", "user"}, {"content", text}}});
  }
  [[nodiscard]] json chat(const std::string& text, int max_tokens, json more = {}) const {
    json body = {{"model", "any"},
                 {"messages", user(text)},
                 {"max_tokens", max_tokens},
                 {"temperature", 0},
                 {"ignore_eos", true}};
    if (more.is_object()) body.update(more);
    return body;
  }

  /// What generate() alone answers.
  [[nodiscard]] GenerateResult expected(const std::string& text,
                                        const GenerateOptions& with) const {
    const std::vector<Message> messages = {{Role::user, text}};
    Session session(model_);
    return generate(session, encode_chat(model_.tokenizer(), messages), with);
  }
  [[nodiscard]] static GenerateOptions greedy(int max_tokens) {
    return {.sampling = {.temperature = 0}, .max_tokens = max_tokens, .ignore_end = true};
  }

  /// Whether it comes true within ten seconds.
  template <typename Condition>
  [[nodiscard]] static bool soon(Condition&& holds) {
    for (int i = 0; i < 2000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  [[nodiscard]] int busy_slots() const {
    int busy = 0;
    for (const json& slot : test::get_json(port(), "/slots").json())
      busy += slot["is_processing"] ? 1 : 0;
    return busy;
  }
  [[nodiscard]] double metric(const std::string& name) const {
    const std::string page = test::get_json(port(), "/metrics").body;
    const std::size_t at = page.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(page.substr(at + name.size() + 2));
  }

  Model model_ = gemma2::test::load_tiny({.context = 512, .window = 8}, {.prefill_chunk = 32});
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, SaysThatTheModelIsLoadingUntilItIsThere) {
  server_ = std::make_unique<Server>(options());
  const Reply loading = test::get_json(port(), "/health");
  EXPECT_EQ(loading.status, 503);
  EXPECT_EQ(loading.json()["error"]["message"], "Loading model");
  EXPECT_EQ(test::post_json(port(), "/v1/chat/completions", chat("x", 1)).status, 503);
  server_->start(model_);
  EXPECT_EQ(test::get_json(port(), "/health").json(), json({{"status", "ok"}}));
  EXPECT_EQ(test::get_json(port(), "/v1/health").status, 200);
}

TEST_F(ServerTest, ChatSaysWhatGenerateSays) {
  start();
  const GenerateResult alone = expected("hello", greedy(12));
  const json reply = test::post_json(port(), "/v1/chat/completions", chat("hello", 12)).json();
  EXPECT_EQ(reply["object"], "chat.completion");
  EXPECT_EQ(reply["model"], "any");
  EXPECT_EQ(reply["choices"][0]["message"]["content"], alone.text);
  EXPECT_EQ(reply["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(reply["usage"]["prompt_tokens"], alone.prompt_tokens);
  EXPECT_EQ(reply["usage"]["completion_tokens"], 12);
  EXPECT_EQ(reply["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
}

TEST_F(ServerTest, AStreamAddsUpToTheAnswer) {
  start();
  const GenerateResult alone = expected("hello", greedy(40));
  const json more = {{"stream", true}, {"stream_options", {{"include_usage", true}}}};
  const Reply reply = test::post_json(port(), "/v1/chat/completions", chat("hello", 40, more));
  EXPECT_THAT(reply.head, HasSubstr("text/event-stream"));
  const std::vector<std::string> events = reply.events();
  ASSERT_GT(events.size(), 4U);
  EXPECT_EQ(events.back(), "[DONE]");
  std::string text;
  for (std::size_t i = 0; i + 2 < events.size(); ++i) {
    const json delta = json::parse(events[i])["choices"][0]["delta"];
    if (delta.contains("content")) text += delta["content"].get<std::string>();
  }
  EXPECT_EQ(text, alone.text);
  const json usage = json::parse(events[events.size() - 2]);
  EXPECT_TRUE(usage["choices"].empty());
  EXPECT_EQ(usage["usage"]["completion_tokens"], 40);
}

TEST_F(ServerTest, ASharedPrefixIsNotComputedAgain) {
  start();
  const std::string long_text(200, 'a');
  const json first =
      test::post_json(port(), "/v1/chat/completions", chat(long_text + "b", 4)).json();
  const json second =
      test::post_json(port(), "/v1/chat/completions", chat(long_text + "c", 4)).json();
  const int prompt = second["usage"]["prompt_tokens"];
  const int cached = second["usage"]["prompt_tokens_details"]["cached_tokens"];
  EXPECT_EQ(first["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
  EXPECT_LT(prompt - cached, 20);
  EXPECT_EQ(second["choices"][0]["message"]["content"], expected(long_text + "c", greedy(4)).text);
  const json salted = {{"cache_salt", "x"}};
  const json apart =
      test::post_json(port(), "/v1/chat/completions", chat(long_text + "c", 4, salted)).json();
  EXPECT_EQ(apart["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
}

TEST_F(ServerTest, SeveralAnswersHaveSeedsOfTheirOwn) {
  start();
  json body = chat("hello", 16, {{"n", 4}, {"seed", 7}, {"temperature", 1.5}});
  const json reply = test::post_json(port(), "/v1/chat/completions", body).json();
  ASSERT_EQ(reply["choices"].size(), 4U);
  std::set<std::string> texts;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(reply["choices"][i]["index"], i);
    texts.insert(reply["choices"][i]["message"]["content"]);
    GenerateOptions same = greedy(16);
    same.sampling.temperature = 1.5;
    same.sampling.seed = 7 + i;
    EXPECT_EQ(reply["choices"][i]["message"]["content"], expected("hello", same).text);
  }
  EXPECT_GT(texts.size(), 1U);
  EXPECT_EQ(reply["usage"]["completion_tokens"], 64);
}

TEST_F(ServerTest, TheBestOfSeveralIsTheLikeliest) {
  start();
  const json body = {{"prompt", "hello"}, {"best_of", 5},      {"n", 2},
                     {"seed", 3},         {"logprobs", 0},     {"max_tokens", 10},
                     {"temperature", 2},  {"ignore_eos", true}};
  const json best = test::post_json(port(), "/v1/completions", body).json();
  json all_body = body;
  all_body["n"] = 5;
  const json all = test::post_json(port(), "/v1/completions", all_body).json();
  const auto mean = [](const json& choice) {
    double sum = 0;
    for (const json& value : choice["logprobs"]["token_logprobs"]) sum += value.get<double>();
    return sum / static_cast<double>(choice["logprobs"]["token_logprobs"].size());
  };
  std::vector<double> means;
  for (const json& choice : all["choices"]) means.push_back(mean(choice));
  std::sort(means.rbegin(), means.rend());
  ASSERT_EQ(best["choices"].size(), 2U);
  EXPECT_DOUBLE_EQ(mean(best["choices"][0]), means[0]);
  EXPECT_DOUBLE_EQ(mean(best["choices"][1]), means[1]);
}

TEST_F(ServerTest, EchoedLogprobsAreThoseOfScore) {
  start();
  const std::vector<TokenId> tokens = gemma2::test::random_tokens(model_, 90);
  const json body = {{"prompt", tokens}, {"echo", true},     {"logprobs", 1},
                     {"max_tokens", 1},  {"temperature", 0}, {"ignore_eos", true}};
  const json reply = test::post_json(port(), "/v1/completions", body).json();
  const json& logprobs = reply["choices"][0]["logprobs"];
  Session session(model_);
  session.prefill(TokenSpan(tokens).first(1));
  const std::vector<float> scores = session.score(TokenSpan(tokens).subspan(1));
  ASSERT_EQ(logprobs["token_logprobs"].size(), tokens.size() + 1);
  EXPECT_TRUE(logprobs["token_logprobs"][0].is_null());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    EXPECT_EQ(logprobs["token_logprobs"][i + 1].get<float>(), scores[i]);
  }
}

TEST_F(ServerTest, TheTokenThatEndsATurnIsAmongTheLegacyLogprobs) {
  start();
  const TokenId eos = model_.tokenizer().special().eos;
  const json body = {{"prompt", "hello"}, {"echo", true},
                     {"logprobs", 1},     {"max_tokens", 1},
                     {"temperature", 0},  {"logit_bias", {{std::to_string(eos), 100}}}};
  const json choice = test::post_json(port(), "/v1/completions", body).json()["choices"][0];
  EXPECT_EQ(choice["text"], "hello");
  EXPECT_EQ(choice["finish_reason"], "stop");
  const std::size_t prompt = model_.tokenizer().encode("hello", {.add_bos = false}).size();
  EXPECT_EQ(choice["logprobs"]["token_logprobs"].size(), prompt + 1);
}

TEST_F(ServerTest, APromptWithoutBosGetsOneThatIsNotShown) {
  start();
  const std::vector<TokenId> with = gemma2::test::random_tokens(model_, 20);
  const std::vector<TokenId> without(with.begin() + 1, with.end());
  json body = {
      {"prompt", with}, {"echo", true}, {"logprobs", 0}, {"max_tokens", 2}, {"temperature", 0}};
  const json expected = test::post_json(port(), "/v1/completions", body).json()["choices"][0];
  body["prompt"] = without;
  const json found = test::post_json(port(), "/v1/completions", body).json()["choices"][0];
  EXPECT_EQ(found["text"], expected["text"]);
  const json& scores = found["logprobs"]["token_logprobs"];
  const json& all = expected["logprobs"]["token_logprobs"];
  ASSERT_EQ(scores.size() + 1, all.size());
  EXPECT_TRUE(scores[0].is_null());
  for (std::size_t i = 1; i < scores.size(); ++i) EXPECT_EQ(scores[i], all[i + 1]);
  body["add_special_tokens"] = false;
  const json bare = test::post_json(port(), "/v1/completions", body).json()["choices"][0];
  EXPECT_NE(bare["logprobs"]["token_logprobs"], scores);
}

TEST_F(ServerTest, PromptsOfAllShapesAreIndexedPromptMajor) {
  start();
  const json body = {{"prompt", {"one", "two", "three"}},
                     {"n", 2},
                     {"max_tokens", 3},
                     {"temperature", 0},
                     {"ignore_eos", true}};
  const json reply = test::post_json(port(), "/v1/completions", body).json();
  ASSERT_EQ(reply["choices"].size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(reply["choices"][i]["index"], i);
  EXPECT_EQ(reply["choices"][0]["text"], reply["choices"][1]["text"]);
}

TEST_F(ServerTest, EmbeddingsAreTheLibrarys) {
  start();
  const json body = {{"input", {"hello", "world"}}, {"encoding_format", "float"}};
  const json reply = test::post_json(port(), "/v1/embeddings", body).json();
  ASSERT_EQ(reply["data"].size(), 2U);
  Session session(model_);
  const GenerateResult alone =
      generate(session, model_.tokenizer().encode("world"), {.max_tokens = 0, .embedding = true});
  EXPECT_EQ(reply["data"][1]["embedding"].get<std::vector<float>>(), alone.embedding);
  const json wrong = {{"input", "x"}, {"dimensions", 3}};
  EXPECT_EQ(test::post_json(port(), "/v1/embeddings", wrong).json()["error"]["param"],
            "dimensions");
}

TEST_F(ServerTest, TokensGoThereAndBack) {
  start();
  const json tokens =
      test::post_json(port(), "/tokenize", {{"prompt", "hello"}, {"add_special_tokens", true}})
          .json();
  EXPECT_EQ(tokens["tokens"].get<std::vector<TokenId>>(), model_.tokenizer().encode("hello"));
  const json text = test::post_json(port(), "/detokenize", {{"tokens", tokens["tokens"]}}).json();
  EXPECT_EQ(text["prompt"], "hello");
  const json rendered =
      test::post_json(port(), "/apply-template", {{"messages", user("hi")}}).json();
  EXPECT_EQ(rendered["prompt"],
            "<bos><start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n");
}

TEST_F(ServerTest, WhatTheModelCanNotTakeIs400WithItsName) {
  start();
  const Reply overflow =
      test::post_json(port(), "/v1/chat/completions", chat(std::string(2000, 'a'), 4));
  EXPECT_EQ(overflow.status, 400);
  EXPECT_EQ(overflow.json()["error"]["code"], "context_length_exceeded");
  EXPECT_EQ(overflow.json()["error"]["n_ctx"], 512);
  const json bias = {{"logit_bias", {{"1000000", 1}}}};
  EXPECT_EQ(
      test::post_json(port(), "/v1/chat/completions", chat("x", 1, bias)).json()["error"]["param"],
      "logit_bias.1000000");
  const json ids = {{"prompt", {1, 2, 1000000}}};
  EXPECT_EQ(test::post_json(port(), "/v1/completions", ids).json()["error"]["param"], "prompt[2]");
  const json roles = {{"messages", json::array({{{"role", "assistant"}, {"content", "x"}}})}};
  EXPECT_EQ(test::post_json(port(), "/v1/chat/completions", roles).status, 400);
}

TEST_F(ServerTest, AFullQueueIs429WithRetryAfter) {
  ServerOptions narrow = options();
  narrow.scheduler.max_running = 1;
  narrow.scheduler.max_queued = 0;
  start(narrow);
  const json endless = chat("x", 400, {{"stream", true}});
  RawClient first(port());
  first.send(request_text("POST", "/v1/chat/completions", endless.dump()));
  EXPECT_THAT(first.read_until("delta"), HasSubstr("delta"));
  const Reply refused = test::post_json(port(), "/v1/chat/completions", chat("y", 1));
  // The first may have ended on a fast machine; then the second is answered.
  if (refused.status != 200) {
    EXPECT_EQ(refused.status, 429);
    EXPECT_THAT(refused.head, HasSubstr("Retry-After: "));
  }
  // Several answers are accepted together or not at all.
  const Reply many = test::post_json(port(), "/v1/chat/completions", chat("y", 1, {{"n", 3}}));
  EXPECT_EQ(many.status, 429);
}

TEST_F(ServerTest, AClientThatLeavesFreesItsSlot) {
  start();
  for (const bool stream : {true, false}) {
    json endless = chat("x", 480, {{"stream", stream}});
    RawClient client(port());
    client.send(request_text("POST", "/v1/chat/completions", endless.dump()));
    ASSERT_TRUE(soon([&] { return busy_slots() == 1; }));
    client.reset();
    EXPECT_TRUE(soon([&] { return busy_slots() == 0; }));
  }
  EXPECT_TRUE(soon([&] { return metric("client_disconnects_total") == 2; }));
  EXPECT_LT(metric("gemma2_generated_tokens_total"), 2 * 480);
}

TEST_F(ServerTest, NeighboursDoNotChangeAnAnswer) {
  start();
  const GenerateResult alone = expected("hello", greedy(60));
  std::vector<std::thread> clients;
  std::vector<std::string> texts(8);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    clients.emplace_back([&, i] {
      const std::string text = i % 2 == 0 ? "hello" : "hello" + std::to_string(i);
      const json reply = test::post_json(port(), "/v1/chat/completions", chat(text, 60)).json();
      texts[i] = reply["choices"][0]["message"]["content"];
    });
  }
  for (std::thread& client : clients) client.join();
  for (std::size_t i = 0; i < texts.size(); i += 2) EXPECT_EQ(texts[i], alone.text);
}

TEST_F(ServerTest, DrainingFinishesWhatHasBegun) {
  start();
  RawClient client(port());
  client.send(
      request_text("POST", "/v1/chat/completions", chat("x", 200, {{"stream", true}}).dump()));
  const std::string begun = client.read_until("delta");
  std::thread drain([&] { EXPECT_TRUE(server_->drain(std::chrono::seconds(30))); });
  EXPECT_THAT(begun + client.read_until("[DONE]"), testing::EndsWith("data: [DONE]"));
  drain.join();
}

TEST_F(ServerTest, ALimitInTimeCutsAnAnswer) {
  ServerOptions hasty = options();
  hasty.request_timeout = std::chrono::milliseconds(1);
  start(hasty);
  const json reply = test::post_json(port(), "/v1/chat/completions", chat("x", 480)).json();
  EXPECT_EQ(reply["choices"][0]["finish_reason"], "length");
  EXPECT_LT(reply["usage"]["completion_tokens"], 480);
}

TEST_F(ServerTest, StructuredAnswersValidate) {
  start();
  const json schema = {{"type", "object"},
                       {"properties", {{"ok", {{"type", "boolean"}}}}},
                       {"required", {"ok"}},
                       {"additionalProperties", false}};
  json body = chat("x", 64, {{"temperature", 2}, {"ignore_eos", false}});
  body["response_format"] = {{"type", "json_schema"},
                             {"json_schema", {{"name", "n"}, {"schema", schema}}}};
  for (int seed = 0; seed < 8; ++seed) {
    body["seed"] = seed;
    const json reply = test::post_json(port(), "/v1/chat/completions", body).json();
    ASSERT_EQ(reply["choices"][0]["finish_reason"], "stop");
    const json answer = json::parse(reply["choices"][0]["message"]["content"].get<std::string>());
    EXPECT_TRUE(answer["ok"].is_boolean());
  }
  body["max_tokens"] = 2;
  EXPECT_EQ(
      test::post_json(port(), "/v1/chat/completions", body).json()["choices"][0]["finish_reason"],
      "length");
}

TEST_F(ServerTest, TellsOfItself) {
  ServerOptions prefixed = options();
  prefixed.url_prefix = "/gemma";
  start(prefixed);
  EXPECT_EQ(test::get_json(port(), "/health").status, 404);
  EXPECT_EQ(test::get_json(port(), "/gemma/health").status, 200);
  EXPECT_EQ(test::get_json(port(), "/gemma/v1/models").json()["data"][0]["id"], "tiny");
  EXPECT_EQ(test::get_json(port(), "/gemma/v1/models/tiny").json()["id"], "tiny");
  EXPECT_EQ(test::get_json(port(), "/gemma/v1/models/other").json()["error"]["code"],
            "model_not_found");
  EXPECT_EQ(test::get_json(port(), "/gemma/props").json()["default_generation_settings"]["n_ctx"],
            512);
  EXPECT_EQ(test::get_json(port(), "/gemma/slots?fail_on_no_slot=1").json().size(), 4U);
  EXPECT_EQ(test::get_json(port(), "/gemma/tokenizer_info").status, 200);
  EXPECT_THAT(test::get_json(port(), "/gemma/metrics").body,
              HasSubstr("time_to_first_token_seconds_bucket"));
  EXPECT_THAT(test::get_json(port(), "/gemma/").head, HasSubstr("Content-Security-Policy"));
  EXPECT_THAT(test::get_json(port(), "/gemma").head, HasSubstr("Location: /gemma/"));
  const Reply wrong = test::get_json(port(), "/gemma/v1/chat/completions");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_THAT(wrong.head, HasSubstr("Allow: POST"));
}

TEST_F(ServerTest, AsksForAKeyAndNamesTheOriginsItKnows) {
  ServerOptions guarded = options();
  guarded.gate = {.api_keys = {"secret"}, .cors_origins = {"https://a.example"}};
  start(guarded);
  EXPECT_EQ(test::get_json(port(), "/v1/models").status, 401);
  EXPECT_EQ(test::get_json(port(), "/health").status, 200);
  EXPECT_EQ(test::get_json(port(), "/").status, 200);  // the page asks for the key
  const Reply reply = test::get_json(
      port(), "/v1/models", "Authorization: Bearer secret\r\nOrigin: https://a.example\r\n");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.head, HasSubstr("Access-Control-Allow-Origin: https://a.example"));
}

TEST_F(ServerTest, LogsWithoutPrompts) {
  ServerOptions logged = options();
  std::mutex mutex;
  std::string lines;
  logged.log_format = LogFormat::json;
  logged.access_log = [&](std::string_view line) {
    const std::scoped_lock lock(mutex);
    lines += std::string(line) + "\n";
  };
  start(logged);
  EXPECT_EQ(test::post_json(port(), "/v1/chat/completions", chat("top secret", 2)).status, 200);
  server_->drain(std::chrono::seconds(10));
  server_.reset();
  const json line = json::parse(lines.substr(0, lines.find('\n')));
  EXPECT_EQ(line["path"], "/v1/chat/completions");
  EXPECT_EQ(line["status"], 200);
  EXPECT_EQ(lines.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace gemma2::server
