// SPDX-License-Identifier: Apache-2.0
//
// Where a server listens, how it is told to stop, and what happens to those who are being answered.
#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gemma2/error.h"

#include "raw_client.h"
#include "server_under_test.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace gemma2::server::test {
namespace {

using gemma2::test::expect_error;
using gemma2::test::TempDir;
using std::chrono::milliseconds;

TEST(HttpListen, NamesItsAddress) {
  ServerUnderTest server;
  EXPECT_GT(server.port(), 0);
  EXPECT_EQ(server.http().url(), fmt::format("http://127.0.0.1:{}", server.port()));
  ServerUnderTest everywhere({.host = "0.0.0.0"});
  EXPECT_EQ(everywhere.http().url(), fmt::format("http://127.0.0.1:{}", everywhere.port()));
  EXPECT_EQ(everywhere.connect().ask(get("/health")).status, 200);
  ServerUnderTest named({.host = "localhost"});
  EXPECT_EQ(named.http().url(), fmt::format("http://localhost:{}", named.port()));
  EXPECT_EQ(named.connect().ask(get("/health")).status, 200);
}

TEST(HttpListen, OnIpv6) {
  std::unique_ptr<ServerUnderTest> server;
  try {
    server = std::make_unique<ServerUnderTest>(HttpOptions{.host = "::"});
  } catch (const Error& error) {
    GTEST_SKIP() << "no IPv6 here: " << error.what();
  }
  EXPECT_EQ(server->http().url(), fmt::format("http://[::1]:{}", server->port()));
  EXPECT_EQ(server->connect().ask(get("/health")).status, 200);  // IPv4 as well
  try {
    ServerUnderTest loopback({.host = "[::1]"});
    EXPECT_EQ(loopback.http().url(), fmt::format("http://[::1]:{}", loopback.port()));
  } catch (const Error& error) {
    GTEST_SKIP() << "no IPv6 loopback here: " << error.what();
  }
}

TEST(HttpListen, SaysWhyItCanNot) {
  ServerUnderTest server;
  const auto listen = [](const std::string& host, int port) {
    return [=] { HttpServer({.host = host, .port = port}, {.handle = [](const auto&) {}}); };
  };
  expect_error(ErrorCode::io,
               fmt::format("server: expected a free port, 127.0.0.1:{} is in use", server.port()),
               listen("127.0.0.1", server.port()));
  expect_error(ErrorCode::io,
               "expected a host name or an address to listen on, found 'no such host'",
               listen("no such host", 0));
  expect_error(ErrorCode::io, "found ''", listen("", 0));
  expect_error(ErrorCode::io, "found '999.1.1.1'", listen("999.1.1.1", 0));
  expect_error(ErrorCode::io, "expected to listen on 192.0.2.1:0, found: Cannot assign",
               listen("192.0.2.1", 0));  // nobody's address
}

TEST(HttpListen, TheSamePortAgainAtOnce) {
  int port = 0;
  {
    ServerUnderTest server;
    port = server.port();
    RawClient client = server.connect();
    EXPECT_EQ(client.ask(get("/health", "Connection: close\r\n")).status,
              200);  // TIME_WAIT is ours
  }
  const HttpServer again({.port = port}, {.handle = [](const auto&) {}});
  EXPECT_EQ(again.port(), port);
}

TEST(HttpListen, SeveralServersMayShareAPort) {
  const HttpServer first({.port = 0, .reuse_port = true}, {.handle = [](const auto&) {}});
  const HttpServer second({.port = first.port(), .reuse_port = true},
                          {.handle = [](const auto&) {}});
  EXPECT_EQ(second.port(), first.port());
}

TEST(HttpListen, OnAUnixSocket) {
  const TempDir folder;
  const std::string path = (folder / "g.sock").string();
  {
    ServerUnderTest server({.host = path});
    EXPECT_EQ(server.port(), 0);
    EXPECT_EQ(server.http().url(), "unix:" + path);
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    RawClient client(path);
    EXPECT_EQ(client.ask(get("/health")).body, "ok");
    client.send(get("/hold"));
    const std::shared_ptr<Exchange> exchange = server.next_held();
    ASSERT_TRUE(exchange);
    EXPECT_EQ(exchange->request().remote, "unix");
    client.half_close();
    EXPECT_TRUE(is_stopped_soon(exchange->gone()));
    expect_error(ErrorCode::io, "server: expected a free socket, " + path + " is in use",
                 [&] { ServerUnderTest other({.host = path}); });
    EXPECT_EQ(RawClient(path).ask(get("/health")).body, "ok");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(HttpListen, RemovesASocketThatNobodyListensOn) {
  const TempDir folder;
  const std::string path = (folder / "g.sock").string();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int left_over = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(left_over, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ::close(left_over);
  ASSERT_TRUE(std::filesystem::exists(path));
  ServerUnderTest server({.host = path});
  EXPECT_EQ(RawClient(path).ask(get("/health")).body, "ok");
}

TEST(HttpListen, KeepsItsHandsOffOtherFiles) {
  const TempDir folder;
  const std::string path = (folder / "notes.sock").string();
  gemma2::test::write_file(path, "precious");
  expect_error(ErrorCode::io, "expected a socket or nothing at " + path,
               [&] { ServerUnderTest server({.host = path}); });
  EXPECT_EQ(gemma2::test::read_file(path), "precious");
  expect_error(ErrorCode::io, "No such file or directory",
               [&] { ServerUnderTest server({.host = (folder / "none/g.sock").string()}); });
  expect_error(ErrorCode::invalid_argument, "expected a socket's path of at most 107 bytes",
               [&] { ServerUnderTest server({.host = std::string(200, 'x') + ".sock"}); });
}

TEST(HttpDrain, LetsAnswersEndAndNothingBegin) {
  ServerUnderTest server;
  RawClient idle = server.connect();
  EXPECT_EQ(idle.ask(get("/health")).status, 200);
  RawClient half = server.connect();
  half.send("GET /health HTT");
  RawClient busy = server.connect();
  busy.send(post("/hold", "body") + get("/health"));
  const std::shared_ptr<Exchange> exchange = server.next_held();
  ASSERT_TRUE(exchange);

  auto drained = std::async(std::launch::async, [&] { return server.http().drain(kPatience); });
  EXPECT_EQ(idle.read_to_end(), "");  // closed at once
  EXPECT_TRUE(idle.is_closed());
  EXPECT_EQ(half.read_reply().status, 503);
  EXPECT_THROW(server.connect(), std::system_error);
  EXPECT_EQ(drained.wait_for(milliseconds{50}), std::future_status::timeout);
  exchange->respond({.body = "the end"});
  const Reply reply = busy.read_reply();
  EXPECT_EQ(reply.body, "the end");
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(busy.read_to_end(), "");  // the request behind it was not taken
  EXPECT_TRUE(busy.is_closed());
}

TEST(HttpDrain, SaysWhenTheTimeWasTooShort) {
  ServerUnderTest server;
  RawClient client = server.connect();
  client.send(get("/hold"));
  const std::shared_ptr<Exchange> exchange = server.next_held();
  ASSERT_TRUE(exchange);
  EXPECT_FALSE(server.http().drain(milliseconds{30}));
  exchange->respond({.body = "late"});
  EXPECT_EQ(client.read_reply().body, "late");
  EXPECT_TRUE(server.http().drain(kPatience));
}

TEST(HttpEnd, TheDestructorEndsWhatIsUnderWay) {
  ServerUnderTest server;
  RawClient waiting = server.connect();
  waiting.send(post("/hold", "body"));
  const std::shared_ptr<Exchange> unanswered = server.next_held();
  RawClient streaming = server.connect();
  streaming.send(get("/hold"));
  const std::shared_ptr<Exchange> stream = server.next_held();
  ASSERT_TRUE(unanswered && stream);
  stream->begin_events({});
  stream->send_event("first");
  EXPECT_NE(streaming.read_until("first"), "");

  server.stop();
  EXPECT_TRUE(unanswered->gone().stop_requested());
  EXPECT_TRUE(stream->gone().stop_requested());
  EXPECT_EQ(waiting.read_to_end(), "");
  EXPECT_TRUE(waiting.is_closed());
  EXPECT_FALSE(server.next_finished().client_left);
  // Exchanges may live on.
  unanswered->respond({.body = "x"});
  stream->send_event("y");
  stream->end_events();
  EXPECT_EQ(unanswered->request().body, "body");
}

TEST(HttpEnd, ProducersMayGoOnMeanwhile) {
  for (int round = 0; round < 20; ++round) {
    ServerUnderTest server;
    RawClient client = server.connect();
    client.send(get("/hold"));
    const std::shared_ptr<Exchange> stream = server.next_held();
    ASSERT_TRUE(stream);
    std::thread producer([&] {
      stream->begin_events({});
      while (!stream->gone().stop_requested()) stream->send_event("event");
      stream->send_event("after the end");
    });
    EXPECT_NE(client.read_until("event"), "");
    server.stop();
    producer.join();
  }
}

}  // namespace
}  // namespace gemma2::server::test
