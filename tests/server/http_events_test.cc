// SPDX-License-Identifier: Apache-2.0
//
// Streams of events.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "raw_client.h"
#include "server_under_test.h"

namespace gemma2::server::test {
namespace {

using std::chrono::milliseconds;

/// A client with a request under way, and its exchange.
struct Pair {
  explicit Pair(ServerUnderTest& server, std::string_view request = get("/hold"))
      : client(server.connect()) {
    client.send(request);
    exchange = server.next_held();
  }

  RawClient client;
  std::shared_ptr<Exchange> exchange = {};
};

TEST(HttpEvents, AreFramedAsServerSentEvents) {
  ServerUnderTest server;
  Pair pair(server, post("/hold", "body"));
  ASSERT_TRUE(pair.exchange);
  pair.exchange->begin_events({{"X-Own", "1"}});
  pair.exchange->send_event("{\"a\":1}");
  EXPECT_NE(pair.client.read_until("\r\n\r\n").find("Transfer-Encoding: chunked\r\n"),
            std::string::npos);
  EXPECT_NE(pair.client.read_until("{\"a\":1}\n\n").find("\r\ndata: "), std::string::npos);
  pair.exchange->send_event("[DONE]");
  pair.exchange->end_events();
  EXPECT_TRUE(pair.client.read_until("0\r\n\r\n").ends_with("data: [DONE]\n\n\r\n0\r\n\r\n"));
  EXPECT_EQ(pair.client.ask(get("/health")).body, "ok");  // the connection stays
  const Finished report = server.next_finished();
  EXPECT_EQ(report.status, 200);
  EXPECT_FALSE(report.client_left);
}

TEST(HttpEvents, HaveTheHeadersThatProxiesNeed) {
  ServerUnderTest server;
  Pair pair(server);
  ASSERT_TRUE(pair.exchange);
  pair.exchange->begin_events({{"X-Own", "1"}});
  pair.exchange->end_events();
  const Reply reply = pair.client.read_reply();
  EXPECT_EQ(reply.header("content-type"), "text/event-stream");
  EXPECT_EQ(reply.header("cache-control"), "no-cache");
  EXPECT_EQ(reply.header("x-accel-buffering"), "no");
  EXPECT_EQ(reply.header("x-own"), "1");
  EXPECT_EQ(reply.header("server"), "gemma2");
  EXPECT_EQ(reply.count("x-request-id"), 1);
  EXPECT_EQ(reply.count("content-length"), 0);
  EXPECT_TRUE(reply.is_whole);
  EXPECT_EQ(reply.body, "");
}

TEST(HttpEvents, ManyFromAnotherThreadArriveInOrder) {
  constexpr int kCount = 20'000;
  ServerUnderTest server;
  Pair pair(server);
  ASSERT_TRUE(pair.exchange);
  std::thread producer([&] {
    pair.exchange->begin_events({});
    for (int i = 0; i < kCount; ++i) pair.exchange->send_event(fmt::format("{}", i));
    pair.exchange->end_events();
  });
  const Reply reply = pair.client.read_reply();
  producer.join();
  std::string expected;
  for (int i = 0; i < kCount; ++i) expected += fmt::format("data: {}\n\n", i);
  EXPECT_TRUE(reply.is_whole);
  EXPECT_TRUE(reply.body == expected);
}

TEST(HttpEvents, ManyStreamsAtATime) {
  ServerUnderTest server;
  std::vector<Pair> pairs;
  for (int i = 0; i < 64; ++i) pairs.emplace_back(server);
  for (Pair& pair : pairs) {
    ASSERT_TRUE(pair.exchange);
    pair.exchange->begin_events({});
  }
  for (int event = 0; event < 100; ++event) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      pairs[i].exchange->send_event(fmt::format("{}.{}", i, event));
    }
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    pairs[i].exchange->end_events();
    const Reply reply = pairs[i].client.read_reply();
    EXPECT_TRUE(reply.is_whole);
    EXPECT_TRUE(reply.body.starts_with(fmt::format("data: {}.0\n\n", i)));
    EXPECT_TRUE(reply.body.ends_with(fmt::format("data: {}.99\n\n", i)));
  }
}

TEST(HttpEvents, Http10GetsThemUnchunked) {
  ServerUnderTest server;
  Pair pair(server, "GET /hold HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(pair.exchange);
  pair.exchange->begin_events({});
  pair.exchange->send_event("a");
  pair.exchange->send_event("b");
  pair.exchange->end_events();
  const Reply reply = pair.client.read_reply();
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_EQ(reply.count("transfer-encoding"), 0);
  EXPECT_EQ(reply.body, "data: a\n\ndata: b\n\n");
  EXPECT_TRUE(pair.client.is_closed());
}

TEST(HttpEvents, HeadGetsTheHeadersAlone) {
  ServerUnderTest server;
  Pair pair(server, "HEAD /hold HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(pair.exchange);
  pair.exchange->begin_events({});
  pair.exchange->send_event("a");
  EXPECT_EQ(pair.client.read_reply(true).header("content-type"), "text/event-stream");
  EXPECT_EQ(pair.client.ask(get("/health")).body, "ok");
}

TEST(HttpEvents, SilenceIsFilledWithPings) {
  ServerUnderTest server({.ping_interval = milliseconds{20}});
  Pair pair(server);
  ASSERT_TRUE(pair.exchange);
  pair.exchange->begin_events({});
  EXPECT_TRUE(pair.client.read_until(": ping\n\n").ends_with("\r\n: ping\n\n"));
  EXPECT_TRUE(pair.client.read_until(": ping\n\n").ends_with("\r\n: ping\n\n"));
  pair.exchange->send_event("x");
  pair.exchange->end_events();
  EXPECT_TRUE(pair.client.read_until("0\r\n\r\n").ends_with("data: x\n\n\r\n0\r\n\r\n"));
}

TEST(HttpEvents, AnswersThatAreNoStreamsHaveNoPings) {
  ServerUnderTest server({.ping_interval = milliseconds{10}});
  Pair pair(server);
  ASSERT_TRUE(pair.exchange);
  std::this_thread::sleep_for(milliseconds{100});
  pair.exchange->respond({.body = "x"});
  EXPECT_EQ(pair.client.read_reply().body, "x");
}

// The last chunk is missing, so a client does not take what came for the whole.
TEST(HttpEvents, AStreamThatIsDroppedDoesNotLookWhole) {
  ServerUnderTest server;
  Pair pair(server);
  ASSERT_TRUE(pair.exchange);
  pair.exchange->begin_events({});
  pair.exchange->send_event("a");
  pair.exchange.reset();
  const Reply reply = pair.client.read_reply();
  EXPECT_EQ(reply.body, "data: a\n\n");
  EXPECT_FALSE(reply.is_whole);
  EXPECT_TRUE(pair.client.is_closed());
}

TEST(HttpEvents, ASlowReaderIsCutOffAtTheLimit) {
  ServerUnderTest server({.max_unsent_bytes = 100'000});
  Pair pair(server);
  ASSERT_TRUE(pair.exchange);
  pair.exchange->begin_events({});
  pair.exchange->send_event("first");
  EXPECT_NE(pair.client.read_until("first"), "");
  const std::string data(1000, 'x');
  const std::stop_token gone = pair.exchange->gone();
  // The kernel takes some megabytes, ours are refused soon after.
  for (int i = 0; i < 100'000 && !gone.stop_requested(); ++i) {
    pair.exchange->send_event(data);
    if (i % 100 == 0) std::this_thread::yield();
  }
  EXPECT_TRUE(is_stopped_soon(gone));
  const Finished report = server.next_finished();
  EXPECT_TRUE(report.client_left);
  EXPECT_EQ(report.status, 200);
  EXPECT_EQ(server.http().stats().disconnects, 1);
  EXPECT_EQ(server.connect().ask(get("/health")).status, 200);
}

TEST(HttpEvents, AReaderThatStopsIsGoneAfterAWhile) {
  ServerUnderTest server({.write_timeout = milliseconds{100}});
  Pair pair(server, get("/hold"));
  ASSERT_TRUE(pair.exchange);
  pair.exchange->respond({.body = std::string(std::size_t{32} << 20, 'x')});
  EXPECT_TRUE(is_stopped_soon(pair.exchange->gone()));
  const Finished report = server.next_finished();
  EXPECT_TRUE(report.client_left);
  EXPECT_GT(report.sent_bytes, 0U);
}

TEST(HttpEvents, AReaderThatIsSlowButReadsIsServed) {
  ServerUnderTest server({.write_timeout = milliseconds{2'000}});
  Pair pair(server);
  ASSERT_TRUE(pair.exchange);
  const std::size_t bytes = std::size_t{32} << 20;
  pair.exchange->respond({.body = std::string(bytes, 'x')});
  std::this_thread::sleep_for(milliseconds{200});
  EXPECT_EQ(pair.client.read_reply().body.size(), bytes);
  EXPECT_FALSE(server.next_finished().client_left);
}

}  // namespace
}  // namespace gemma2::server::test
