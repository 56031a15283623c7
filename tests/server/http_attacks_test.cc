// SPDX-License-Identifier: Apache-2.0
//
// What has broken other servers, byte for byte, through a real socket: each of these is refused,
// the connection is closed behind it so that nothing is taken for a second request, and the server
// goes on. http_reader_test.cc has more, without sockets.
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "raw_client.h"
#include "server_under_test.h"

namespace gemma2::server::test {
namespace {

struct Attack {
  const char* name;
  int status;
  std::string bytes;
};

std::string smuggle(const std::string& headers, const std::string& body) {
  return fmt::format("POST /echo HTTP/1.1\r\nHost: h\r\n{}\r\n{}", headers, body);
}

std::vector<Attack> attacks() {
  const std::string inner = get("/smuggled");
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  return {
      {"CL.TE", 400, smuggle("Content-Length: 6\r\n" + chunked, "0\r\n\r\n" + inner)},
      {"TE.CL", 400, smuggle(chunked + "Content-Length: 4\r\n", "0\r\n\r\n" + inner)},
      {"two lengths", 400, smuggle("Content-Length: 0\r\nContent-Length: 50\r\n", inner)},
      {"the same length twice", 400, smuggle("Content-Length: 1\r\nContent-Length: 1\r\n", "x")},
      {"a list of lengths", 400, smuggle("Content-Length: 0, 50\r\n", inner)},
      {"negative length", 400, smuggle("Content-Length: -5\r\n", inner)},
      {"length with sign", 400, smuggle("Content-Length: +5\r\n", "hello")},
      {"length of 2^63 - 1", 413, smuggle("Content-Length: 9223372036854775807\r\n", "x")},
      {"length of 2^64", 400, smuggle("Content-Length: 18446744073709551616\r\n", "x")},
      {"blank before the colon", 400, smuggle("Content-Length : 5\r\n", "hello")},
      {"coding with a tab", 400, smuggle("Transfer-Encoding:\tx chunked\r\n", inner)},
      {"two codings", 400, smuggle(chunked + "Transfer-Encoding: identity\r\n", inner)},
      {"unknown coding", 400, smuggle("Transfer-Encoding: gzip, chunked\r\n", inner)},
      {"coding in HTTP/1.0", 400, "POST /echo HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n" + inner},
      {"negative chunk", 400, smuggle(chunked, "-2\r\nxx\r\n0\r\n\r\n")},
      {"chunk of 2^64", 400, smuggle(chunked, "10000000000000000\r\nxx\r\n0\r\n\r\n")},
      {"chunk of 2^64 - 1", 413, smuggle(chunked, "ffffffffffffffff\r\nxx\r\n0\r\n\r\n")},
      {"chunk longer than said", 400, smuggle(chunked, "2\r\nxxxx\r\n0\r\n\r\n")},
      {"chunk with 0x", 400, smuggle(chunked, "0x2\r\nxx\r\n0\r\n\r\n")},
      {"chunk extensions", 400, smuggle(chunked, "2;" + std::string(10'000, 'e'))},
      {"trailers", 400, smuggle(chunked, "0\r\nX: " + std::string(10'000, 'e'))},
      {"bare line feeds", 400, "GET /echo HTTP/1.1\nHost: h\n\n"},
      {"NUL in a header", 400,
       "GET /echo HTTP/1.1\r\nHost: h\r\n" + std::string("X: \0\r\n\r\n", 8)},
      {"carriage return in a header", 400, "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\rY: b\r\n\r\n"},
      {"two hosts", 400, "GET /echo HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n"},
      {"two keys", 400, get("/echo", "X-Api-Key: a\r\nX-Api-Key: b\r\n")},
      {"no host", 400, "GET /echo HTTP/1.1\r\n\r\n"},
      {"absolute path", 400, "GET http://other/echo HTTP/1.1\r\nHost: h\r\n\r\n"},
      {"NUL in the path", 400, get("/echo%00/../health")},
      {"new line in the path", 400, get("/echo%0d%0aX: y")},
      {"HTTP/0.9", 400, "GET /echo\r\n\r\n"},
      {"HTTP/2", 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"TLS", 400, std::string("\x16\x03\x01\x00\xF5\x01\x00\x00\xF1\x03\x03", 11)},
      {"5000 headers", 431,
       [] {
         std::string headers;
         for (int i = 0; i < 5000; ++i) headers += fmt::format("x{}:\r\n", i);
         return get("/echo", headers);
       }()},
  };
}

TEST(HttpAttacks, AreRefusedAndEndTheConnection) {
  ServerUnderTest server;
  for (const Attack& attack : attacks()) {
    SCOPED_TRACE(attack.name);
    RawClient client = server.connect();
    client.send(attack.bytes);
    const Reply reply = client.read_reply();
    EXPECT_EQ(reply.status, attack.status);
    EXPECT_TRUE(reply.body.starts_with("refused ")) << reply.body;
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_TRUE(client.is_closed());
    EXPECT_NE(server.next_finished().path, "/smuggled");
    EXPECT_EQ(server.count_finished(), 0);
  }
  EXPECT_EQ(server.connect().ask(get("/health")).status, 200);
}

// Seeded, so that a failure can be seen again.
TEST(HttpAttacks, RandomBytesDoNoHarm) {
  ServerUnderTest server;
  std::mt19937 random(4);
  for (int i = 0; i < 200; ++i) {
    std::string bytes(1 + random() % 2000, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    RawClient client = server.connect();
    client.send(bytes);
    client.half_close();
    const std::string answer = client.read_to_end();
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 4")) << answer;
    EXPECT_TRUE(client.is_closed());
  }
  EXPECT_EQ(server.connect().ask(get("/health")).status, 200);
}

TEST(HttpAttacks, DamagedRequestsDoNoHarm) {
  ServerUnderTest server;
  std::mt19937 random(5);
  const std::string sound = post("/echo", "body", "X: y\r\n") +
                            smuggle("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n") +
                            get("/health");
  for (int i = 0; i < 300; ++i) {
    std::string bytes = sound;
    for (int n = 0; n < 3; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    RawClient client = server.connect();
    client.send(bytes);
    client.half_close();
    static_cast<void>(client.read_to_end());
    EXPECT_TRUE(client.is_closed());
  }
  EXPECT_EQ(server.connect().ask(get("/health")).status, 200);
}

}  // namespace
}  // namespace gemma2::server::test
