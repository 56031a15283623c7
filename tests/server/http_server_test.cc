// SPDX-License-Identifier: Apache-2.0
//
// One answer for one request, whatever either looks like.
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gemma2/error.h"

#include "http_text.h"
#include "raw_client.h"
#include "server_under_test.h"
#include "support/expect_error.h"

namespace gemma2::server::test {
namespace {

TEST(HttpServer, AnswersWithTheUsualHeaders) {
  ServerUnderTest server;
  RawClient client = server.connect();
  const Reply reply = client.ask(get("/health"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "ok");
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_EQ(reply.header("content-length"), "2");
  EXPECT_EQ(reply.header("server"), "gemma2");
  EXPECT_EQ(reply.count("connection"), 0);
  EXPECT_TRUE(is_sound_request_id(reply.header("x-request-id")));
  EXPECT_EQ(client.ask(get("/nowhere")).status, 404);
}

TEST(HttpServer, RequestIdsGoRound) {
  ServerUnderTest server;
  RawClient client = server.connect();
  EXPECT_EQ(client.ask(get("/health", "X-Request-ID: abc.1\r\n")).header("x-request-id"), "abc.1");
  EXPECT_EQ(server.next_finished().id, "abc.1");
  const Reply other = client.ask(get("/health", "X-Request-ID: a\"b\r\n"));
  EXPECT_TRUE(is_sound_request_id(other.header("x-request-id")));
  const Reply refused = client.ask(
      "POST / HTTP/1.1\r\nHost: h\r\nX-Request-Id: mine\r\n"
      "Content-Length: 99999999999\r\n\r\n");
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.header("x-request-id"), "mine");
}

TEST(HttpServer, HandlersSeeTheWholeRequest) {
  ServerUnderTest server;
  RawClient client = server.connect();
  const Reply reply = client.ask(post("/%65cho?a=%20&b", "the body", "X-Thing: value\r\n"));
  EXPECT_EQ(reply.body,
            "POST /echo?a=%20&b|host: localhost|content-length: 8|x-thing: value|the body");
  EXPECT_EQ(reply.header("content-type"), "text/plain");
}

TEST(HttpServer, OneConnectionServesManyRequests) {
  ServerUnderTest server;
  RawClient client = server.connect();
  for (int i = 0; i < 100; ++i) {
    const std::string body = fmt::format("body {}", i);
    EXPECT_TRUE(client.ask(post("/echo", body)).body.ends_with(body));
    EXPECT_EQ(client.ask(get("/health")).status, 200);
  }
  EXPECT_EQ(server.http().stats().connections, 1);
  EXPECT_EQ(server.http().stats().disconnects, 0);
}

TEST(HttpServer, PipelinedRequestsAreAnsweredInOrder) {
  ServerUnderTest server;
  RawClient client = server.connect();
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    all += i % 3 == 0 ? post("/echo", fmt::format("n{}", i)) : get(fmt::format("/echo?n{}", i));
  }
  client.send(all);
  for (int i = 0; i < 1000; ++i) {
    const Reply reply = client.read_reply();
    ASSERT_NE((reply.body + "|").find(fmt::format("n{}|", i)), std::string::npos) << reply.body;
  }
}

TEST(HttpServer, ABadRequestEndsAPipeline) {
  ServerUnderTest server;
  RawClient client = server.connect();
  client.send(get("/echo?1") + "GARBAGE\r\n\r\n" + get("/echo?2"));
  EXPECT_EQ(client.read_reply().status, 200);
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, HeadHasNoBody) {
  ServerUnderTest server;
  RawClient client = server.connect();
  const Reply head = client.ask("HEAD /health HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "2");
  EXPECT_EQ(client.ask(get("/health")).body, "ok");
}

TEST(HttpServer, SpeaksHttp10) {
  ServerUnderTest server;
  RawClient once = server.connect();
  const Reply reply = once.ask("GET /health HTTP/1.0\r\n\r\n");
  EXPECT_EQ(reply.body, "ok");
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_EQ(once.read_to_end(), "");
  EXPECT_TRUE(once.is_closed());
  RawClient twice = server.connect();
  const std::string keep = "GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  EXPECT_EQ(twice.ask(keep).header("connection"), "keep-alive");
  EXPECT_EQ(twice.ask(keep).body, "ok");
}

TEST(HttpServer, ClosesWhenAsked) {
  ServerUnderTest server;
  RawClient client = server.connect();
  EXPECT_EQ(client.ask(get("/health", "Connection: close\r\n")).header("connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpServer, ContinuesLargeBodies) {
  ServerUnderTest server;
  RawClient client = server.connect();
  client.send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 100);
  client.send("abc");
  EXPECT_TRUE(client.read_reply().body.ends_with("|abc"));
  // Too large: the answer comes instead, and the body need not be sent.
  const Reply refused = client.ask(
      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 20000000\r\n\r\n");
  EXPECT_EQ(refused.status, 413);
}

TEST(HttpServer, TakesChunkedBodies) {
  ServerUnderTest server;
  RawClient client = server.connect();
  for (const char* part : {"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                           "4\r\nsome", "\r\n5\r\n", " text", "\r\n0\r\n", "\r\n"}) {
    client.send(part);
  }
  EXPECT_TRUE(client.read_reply().body.ends_with("|some text"));
  EXPECT_EQ(client.ask(get("/health")).status, 200);
}

TEST(HttpServer, CarriesLargeBodiesBothWays) {
  ServerUnderTest server;
  RawClient client = server.connect();
  const std::string body(std::size_t{8} << 20, 'b');
  const Reply reply = client.ask(post("/echo", body));
  EXPECT_TRUE(reply.body.ends_with(body));
  EXPECT_EQ(client.ask(get("/big")).body.size(), std::size_t{4} << 20);
  EXPECT_EQ(server.next_finished().path, "/echo");
  EXPECT_GT(server.next_finished().sent_bytes, std::size_t{4} << 20);
}

TEST(HttpServer, AnExceptionIs500) {
  ServerUnderTest server;
  RawClient client = server.connect();
  for (const std::string& request : {get("/throw"), post("/throw", "body")}) {
    const Reply reply = client.ask(request);
    EXPECT_EQ(reply.status, 500);
    EXPECT_EQ(reply.body, "refused 500: the request was not answered\n");
    EXPECT_EQ(server.next_finished().status, 500);
  }
  EXPECT_EQ(client.ask(get("/health")).status, 200);
}

TEST(HttpServer, AnExchangeThatIsDroppedIs500) {
  ServerUnderTest server;
  RawClient client = server.connect();
  EXPECT_EQ(client.ask(get("/drop")).status, 500);
  EXPECT_EQ(client.ask(post("/drop", "body")).status, 500);
  client.send(post("/hold", "body"));
  std::shared_ptr<Exchange> held = server.next_held();
  ASSERT_TRUE(held);
  held.reset();
  EXPECT_EQ(client.read_reply().status, 500);
}

TEST(HttpServer, OnlyTheFirstAnswerCounts) {
  ServerUnderTest server;
  RawClient client = server.connect();
  client.send(get("/hold"));
  const std::shared_ptr<Exchange> held = server.next_held();
  ASSERT_TRUE(held);
  held->send_event("before anything began");
  held->respond({.status = 201, .body = "first"});
  held->respond({.body = "second"});
  held->begin_events({});
  held->send_event("third");
  held->end_events();
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, "first");
  held->respond({.body = "late"});
  EXPECT_EQ(client.ask(get("/health")).body, "ok");
}

TEST(HttpServer, ResponseHeadersCanNotBeForged) {
  ServerUnderTest server;
  RawClient client = server.connect();
  client.send(get("/hold"));
  const std::shared_ptr<Exchange> held = server.next_held();
  ASSERT_TRUE(held);
  held->respond({.status = 400,
                 .content_type = "text/plain\r\nX-Forged: 1",
                 .body = "body",
                 .headers = {{"X-Value", "a\r\nX-Forged: 2\r\n\r\nHTTP/1.1 200 OK"},
                             {"X-Forged: 3\r\nX-Name", "b"},
                             {"content-length", "1"},
                             {"Retry-After", "1"}}});
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body, "body");
  EXPECT_EQ(reply.count("x-forged"), 0);
  EXPECT_EQ(reply.count("content-length"), 1);
  EXPECT_EQ(reply.header("retry-after"), "1");
  EXPECT_EQ(client.ask(get("/health")).body, "ok");
}

TEST(HttpServer, NoContentHasNoLength) {
  ServerUnderTest server;
  RawClient client = server.connect();
  client.send(get("/hold"));
  const std::shared_ptr<Exchange> held = server.next_held();
  ASSERT_TRUE(held);
  held->respond({.status = 204, .body = "ignored"});
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.count("content-length") + reply.count("content-type"), 0);
  EXPECT_EQ(client.ask(get("/health")).body, "ok");
}

TEST(HttpServer, HealthDoesNotWaitForWorkers) {
  ServerUnderTest server({.workers = 1});
  std::vector<RawClient> busy;
  std::vector<std::shared_ptr<Exchange>> held;
  for (int i = 0; i < 8; ++i) {
    busy.push_back(server.connect());
    busy.back().send(post("/hold", "body"));
    held.push_back(server.next_held());
    ASSERT_TRUE(held.back());
  }
  EXPECT_EQ(server.connect().ask(get("/health")).status, 200);
  for (const auto& exchange : held) exchange->respond({.body = exchange->request().body});
  for (RawClient& client : busy) EXPECT_EQ(client.read_reply().body, "body");
}

TEST(HttpServer, RefusesOptionsThatMakeNoSense) {
  using gemma2::test::expect_error;
  const auto start = [](const HttpOptions& options) {
    return [options] { HttpServer(options, {.handle = [](const auto&) {}}); };
  };
  constexpr auto kCode = ErrorCode::invalid_argument;
  expect_error(kCode, "expected workers above 0, found 0", start({.port = 0, .workers = 0}));
  expect_error(kCode, "max_connections", start({.port = 0, .max_connections = -1}));
  expect_error(kCode, "idle_timeout",
               start({.port = 0, .idle_timeout = std::chrono::milliseconds{0}}));
  expect_error(kCode, "expected a port of 0 to 65535, found 65536", start({.port = 65536}));
  expect_error(kCode, "found -1", start({.port = -1}));
  expect_error(kCode, "expected a handler", [] { HttpServer({.port = 0}, {}); });
}

}  // namespace
}  // namespace gemma2::server::test
