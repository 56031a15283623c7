// SPDX-License-Identifier: Apache-2.0
//
// Clients that are too slow, too many, too large, or up to no good: each gets a word or is closed,
// and the next one is served as if nothing had been.
#include <chrono>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "raw_client.h"
#include "server_under_test.h"

namespace gemma2::server::test {
namespace {

using std::chrono::milliseconds;

void expect_refusal(RawClient& client, int status) {
  const Reply reply = client.read_reply();
  EXPECT_EQ(reply.status, status);
  EXPECT_TRUE(reply.body.starts_with(fmt::format("refused {}: ", status))) << reply.body;
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(client.is_closed());
}

TEST(HttpLimits, EachHasItsStatus) {
  ServerUnderTest server({.max_header_bytes = 1000, .max_body_bytes = 1000});
  const std::vector<std::pair<int, std::string>> cases = {
      {431, get("/health", "X: " + std::string(1000, 'x') + "\r\n")},
      {431, "GET /" + std::string(2000, 'x')},
      {413, post("/echo", std::string(1001, 'x'))},
      {413, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"},
      {400, "nonsense\r\n\r\n"},
      {417, get("/health", "Expect: something\r\n")},
  };
  for (const auto& [status, bytes] : cases) {
    RawClient client = server.connect();
    client.send(bytes);
    expect_refusal(client, status);
    const Finished report = server.next_finished();
    EXPECT_EQ(report.status, status);
    EXPECT_FALSE(report.client_left);
  }
  EXPECT_EQ(server.connect().ask(post("/echo", std::string(1000, 'x'))).status, 200);
}

// Twenty megabytes without a line's end, or of headers, or of body: the answer comes at once, and
// is not lost to a reset though the client goes on sending.
TEST(HttpLimits, AFloodIsAnsweredBeforeItEnds) {
  ServerUnderTest server;
  const std::string megabyte(std::size_t{1} << 20, 'x');
  std::string headers;
  for (int i = 0; i < 5000; ++i) headers += fmt::format("X-{}: y\r\n", i);
  const std::vector<std::pair<int, std::string>> cases = {
      {431, "GET /"},
      {431, get("/health", headers)},
      {413, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 20971520\r\n\r\n"},
      {400, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;x="}};
  for (const auto& [status, bytes] : cases) {
    RawClient client = server.connect();
    client.send(bytes);
    for (int i = 0; i < 20; ++i) client.send(megabyte);
    EXPECT_EQ(client.read_reply().status, status);
  }
  EXPECT_EQ(server.connect().ask(get("/health")).status, 200);
}

TEST(HttpLimits, HeadersHaveADeadline) {
  ServerUnderTest server({.header_timeout = milliseconds{200}});
  RawClient client = server.connect();
  const auto start = std::chrono::steady_clock::now();
  // A byte now and then does not move it.
  std::thread dripping([&] {
    for (const char c : get("/health").substr(0, 30)) {
      client.send({&c, 1});
      std::this_thread::sleep_for(milliseconds{20});
    }
  });
  expect_refusal(client, 408);
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds{150});
  dripping.join();
}

TEST(HttpLimits, BodiesHaveADeadline) {
  ServerUnderTest server({.body_timeout = milliseconds{100}});
  for (const char* head :
       {"Content-Length: 10\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n5\r\nh",
        "Content-Length: 10\r\nExpect: 100-continue\r\n\r\n"}) {
    RawClient client = server.connect();
    client.send(fmt::format("POST /echo HTTP/1.1\r\nHost: h\r\n{}", head));
    if (std::string_view(head).find("Expect") != std::string_view::npos) {
      EXPECT_EQ(client.read_reply().status, 100);
    }
    expect_refusal(client, 408);
  }
}

TEST(HttpLimits, IdleConnectionsAreClosedSilently) {
  ServerUnderTest server({.idle_timeout = milliseconds{100}});
  RawClient fresh = server.connect();
  RawClient used = server.connect();
  EXPECT_EQ(used.ask(get("/health")).status, 200);
  EXPECT_EQ(fresh.read_to_end(), "");
  EXPECT_EQ(used.read_to_end(), "");
  EXPECT_TRUE(fresh.is_closed() && used.is_closed());
}

TEST(HttpLimits, AnAnswerMayTakeLongerThanAllTimeouts) {
  ServerUnderTest server({.header_timeout = milliseconds{50},
                          .body_timeout = milliseconds{50},
                          .idle_timeout = milliseconds{50},
                          .write_timeout = milliseconds{50}});
  RawClient client = server.connect();
  client.send(post("/hold", "body"));
  const std::shared_ptr<Exchange> exchange = server.next_held();
  ASSERT_TRUE(exchange);
  std::this_thread::sleep_for(milliseconds{200});
  EXPECT_FALSE(exchange->gone().stop_requested());
  exchange->respond({.body = "x"});
  EXPECT_EQ(client.read_reply().body, "x");
}

TEST(HttpLimits, OneConnectionTooManyIsToldSo) {
  ServerUnderTest server({.max_connections = 2});
  RawClient first = server.connect();
  RawClient second = server.connect();
  EXPECT_EQ(first.ask(get("/health")).status, 200);
  EXPECT_EQ(second.ask(get("/health")).status, 200);
  RawClient third = server.connect();
  third.send(get("/health"));
  const Reply reply = third.read_reply();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "refused 503: too many connections, try again later\n");
  third.close();
  first.close();
  for (int i = 0; i < 1000; ++i) {  // until the server has seen them go
    if (server.connect().ask(get("/health")).status == 200) return;
    std::this_thread::sleep_for(milliseconds{5});
  }
  ADD_FAILURE() << "nobody is let in any more";
}

TEST(HttpLimits, FarTooManyAreClosed) {
  ServerUnderTest server({.max_connections = 2});
  std::vector<RawClient> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(server.connect());
  int told = 0;
  for (std::size_t i = 2; i < clients.size(); ++i) told += clients[i].read_reply().status == 503;
  EXPECT_GE(told, 64);
  EXPECT_EQ(clients[0].ask(get("/health")).status, 200);
}

TEST(HttpLimits, HalfOpenConnectionsDelayNobody) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 2200) GTEST_SKIP() << "needs 2200 descriptors, has " << limit.rlim_cur;
  ServerUnderTest server;
  std::vector<RawClient> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(server.connect());
    if (i % 3 == 1) clients.back().send("POST /echo HTTP/1.1\r\nHo");
    if (i % 3 == 2)
      clients.back().send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nx");
  }
  RawClient client = server.connect();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.ask(get("/health")).body, "ok");
  EXPECT_EQ(server.http().stats().connections, 1001);
  EXPECT_TRUE(clients[2].ask("1234").body.ends_with("x1234"));
}

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

TEST(HttpLimits, WithoutDescriptorsTheServerWaits) {
  ServerUnderTest server;
  RawClient before = server.connect();
  EXPECT_EQ(before.ask(get("/health")).status, 200);
  RawClient waiting;  // has its descriptor; the server's end has none
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  const rlimit none{static_cast<rlim_t>(next), limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  waiting.connect(server.port());
  waiting.send(get("/health"));
  const double cpu = cpu_seconds();
  std::this_thread::sleep_for(milliseconds{300});
  const double used = cpu_seconds() - cpu;
  EXPECT_EQ(before.ask(get("/health")).status, 200);  // those that are open are served
  EXPECT_EQ(server.http().stats().connections, 1);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_LT(used, 0.15);  // it did not try all the time
  EXPECT_EQ(waiting.read_reply().status, 200);
}

}  // namespace
}  // namespace gemma2::server::test
