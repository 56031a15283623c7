// SPDX-License-Identifier: Apache-2.0
//
// A client that leaves is noticed at once, whatever it leaves in whatever way: its slot in the
// model is for somebody else.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "raw_client.h"
#include "server_under_test.h"

namespace gemma2::server::test {
namespace {

using Leave = std::function<void(RawClient&)>;

std::vector<std::pair<std::string, Leave>> ways_to_leave() {
  return {{"close", [](RawClient& client) { client.close(); }},
          {"half-close", [](RawClient& client) { client.half_close(); }},
          {"reset", [](RawClient& client) { client.reset(); }}};
}

/// Requests with and without a body, and one with the next request behind it already.
std::vector<std::string> requests() {
  return {get("/hold"), post("/hold", "body"), get("/hold") + get("/health"),
          post("/hold", "body") + std::string(30'000, 'x')};
}

TEST(HttpGone, WhileNothingWasSent) {
  ServerUnderTest server;
  for (const auto& [how, leave] : ways_to_leave()) {
    for (const std::string& request : requests()) {
      RawClient client = server.connect();
      client.send(request);
      const std::shared_ptr<Exchange> exchange = server.next_held();
      ASSERT_TRUE(exchange);
      EXPECT_FALSE(exchange->gone().stop_requested());
      leave(client);
      EXPECT_TRUE(is_stopped_soon(exchange->gone())) << how;
      const Finished report = server.next_finished();
      EXPECT_EQ(report.status, 499);
      EXPECT_EQ(report.sent_bytes, 0U);
      EXPECT_TRUE(report.client_left);
      exchange->respond({.body = "nobody reads this"});
    }
  }
  EXPECT_EQ(server.count_finished(), 0);
  EXPECT_EQ(server.http().stats().disconnects, 12);
  EXPECT_EQ(server.http().stats().connections, 0);
}

TEST(HttpGone, InTheMiddleOfAStream) {
  ServerUnderTest server;
  for (const auto& [how, leave] : ways_to_leave()) {
    for (const std::string& request : requests()) {
      RawClient client = server.connect();
      client.send(request);
      const std::shared_ptr<Exchange> exchange = server.next_held();
      ASSERT_TRUE(exchange);
      exchange->begin_events({});
      exchange->send_event("first");
      EXPECT_NE(client.read_until("first"), "");
      leave(client);  // and nothing is written any more
      EXPECT_TRUE(is_stopped_soon(exchange->gone())) << how;
      const Finished report = server.next_finished();
      EXPECT_EQ(report.status, 200);
      EXPECT_TRUE(report.client_left);
      EXPECT_GT(report.sent_bytes, 0U);
      exchange->send_event("nobody reads this");
      exchange->end_events();
    }
  }
  EXPECT_EQ(server.count_finished(), 0);
}

TEST(HttpGone, WhileAnAnswerIsWritten) {
  ServerUnderTest server;
  for (const auto& [how, leave] : ways_to_leave()) {
    RawClient client = server.connect();
    client.send(get("/hold"));
    const std::shared_ptr<Exchange> exchange = server.next_held();
    ASSERT_TRUE(exchange);
    exchange->respond({.body = std::string(std::size_t{32} << 20, 'x')});  // more than fits
    EXPECT_NE(client.read_until("\r\n\r\n"), "");
    leave(client);
    EXPECT_TRUE(is_stopped_soon(exchange->gone())) << how;
    EXPECT_TRUE(server.next_finished().client_left);
  }
}

TEST(HttpGone, LeavesTheOthersAlone) {
  ServerUnderTest server;
  RawClient stays = server.connect();
  stays.send(get("/hold"));
  const std::shared_ptr<Exchange> kept = server.next_held();
  RawClient leaves = server.connect();
  leaves.send(get("/hold"));
  const std::shared_ptr<Exchange> lost = server.next_held();
  ASSERT_TRUE(kept && lost);
  leaves.close();
  EXPECT_TRUE(is_stopped_soon(lost->gone()));
  EXPECT_FALSE(kept->gone().stop_requested());
  kept->respond({.body = "still here"});
  EXPECT_EQ(stays.read_reply().body, "still here");
}

TEST(HttpGone, CallbacksMayAnswerAndLetGo) {
  ServerUnderTest server;
  RawClient client = server.connect();
  client.send(get("/hold"));
  std::shared_ptr<Exchange> exchange = server.next_held();
  ASSERT_TRUE(exchange);
  const std::stop_callback callback(exchange->gone(), [&] {
    exchange->respond({.body = "too late"});
    exchange->begin_events({});
    exchange.reset();
  });
  client.close();
  EXPECT_EQ(server.next_finished().status, 499);
  EXPECT_EQ(server.connect().ask(get("/health")).status, 200);
}

// Nobody is told of requests that were not whole.
TEST(HttpGone, BeforeTheRequestWasWhole) {
  ServerUnderTest server;
  for (const auto& [how, leave] : ways_to_leave()) {
    for (const char* part : {"", "GET /hold HT",
                             "POST /hold HTTP/1.1\r\nHost: h\r\n"
                             "Content-Length: 9\r\n\r\nhalf"}) {
      RawClient client = server.connect();
      client.send(part);
      leave(client);
      if (how == "half-close") {
        EXPECT_EQ(client.read_to_end(), "");
        EXPECT_TRUE(client.is_closed());
      }
    }
  }
  EXPECT_EQ(server.connect().ask(get("/health")).status, 200);
  EXPECT_EQ(server.next_finished().path, "/health");
  EXPECT_EQ(server.http().stats().disconnects, 0);
}

}  // namespace
}  // namespace gemma2::server::test
