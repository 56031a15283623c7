// SPDX-License-Identifier: Apache-2.0
#include "http_reader.h"

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http_text.h"

namespace gemma2::server {
namespace {

using State = RequestReader::State;

constexpr std::size_t kHeaderBytes = 1024;
constexpr std::size_t kBodyBytes = 4096;

RequestReader make_reader() {
  return {kHeaderBytes, kBodyBytes};
}

std::string with_host(std::string_view line, std::string_view headers = {},
                      std::string_view body = {}) {
  return fmt::format("{}\r\nHost: h\r\n{}\r\n{}", line, headers, body);
}

/// The status that `bytes` are refused with, whole and byte by byte; 0: they are not.
int refusal_of(std::string_view bytes) {
  RequestReader whole(kHeaderBytes, kBodyBytes);
  whole.feed(bytes);
  RequestReader split(kHeaderBytes, kBodyBytes);
  for (const char c : bytes) {
    if (split.state() == State::whole || split.state() == State::refused) break;
    split.feed({&c, 1});
  }
  EXPECT_EQ(whole.refusal().status, split.refusal().status) << bytes.substr(0, 200);
  EXPECT_EQ(whole.state() == State::refused, whole.refusal().status != 0);
  EXPECT_EQ(whole.refusal().message.empty(), whole.refusal().status == 0);
  return whole.refusal().status;
}

TEST(HttpReader, ReadsARequestInAnyPieces) {
  const std::string bytes =
      "POST /a%20b?c=%20d HTTP/1.1\r\nHost: h:1\r\nX-Two:  two words \r\nContent-Length: 5\r\n\r\n"
      "hello";
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    RequestReader reader = make_reader();
    reader.feed(std::string_view(bytes).substr(0, first));
    ASSERT_EQ(reader.feed(std::string_view(bytes).substr(first)), State::whole) << first;
    EXPECT_TRUE(reader.is_keep_alive());
    const HttpRequest request = reader.take_request();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/a b");
    EXPECT_EQ(request.query, "c=%20d");
    EXPECT_EQ(request.header("host"), "h:1");
    EXPECT_EQ(request.header("x-two"), "two words");
    EXPECT_EQ(request.body, "hello");
    EXPECT_TRUE(is_sound_request_id(request.id));
  }
}

TEST(HttpReader, ReadsChunksInAnyPieces) {
  const std::string bytes = with_host(
      "POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n",
      "3\r\nabc\r\nA;ext=\"x\"\r\n0123456789\r\n0\r\nX-Trailer: t\r\nHost: other\r\n\r\n");
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    RequestReader reader = make_reader();
    reader.feed(std::string_view(bytes).substr(0, first));
    ASSERT_EQ(reader.feed(std::string_view(bytes).substr(first)), State::whole) << first;
    const HttpRequest request = reader.take_request();
    EXPECT_EQ(request.body, "abc0123456789");
    EXPECT_EQ(request.header("host"), "h");  // trailers are no headers
    EXPECT_EQ(request.header("x-trailer"), "");
  }
  EXPECT_EQ(refusal_of(bytes), 0);
}

TEST(HttpReader, KeepsWhatFollowsARequest) {
  RequestReader reader = make_reader();
  const std::string two = with_host("POST /1 HTTP/1.1", "Content-Length: 2\r\n", "ab") + "\r\n" +
                          with_host("GET /2 HTTP/1.1") + "GET /3 HT";
  ASSERT_EQ(reader.feed(two), State::whole);
  EXPECT_EQ(reader.take_request().body, "ab");
  ASSERT_EQ(reader.next(), State::whole);
  EXPECT_EQ(reader.take_request().path, "/2");
  ASSERT_EQ(reader.next(), State::header);
  ASSERT_EQ(reader.feed("TP/1.1\r\nHost: h\r\n\r\n"), State::whole);
  EXPECT_EQ(reader.take_request().path, "/3");
  EXPECT_EQ(reader.next(), State::idle);
}

TEST(HttpReader, KnowsWhetherTheConnectionStays) {
  const auto stays = [](std::string_view bytes) {
    RequestReader reader = make_reader();
    EXPECT_EQ(reader.feed(bytes), State::whole) << bytes;
    return reader.is_keep_alive();
  };
  EXPECT_TRUE(stays(with_host("GET / HTTP/1.1")));
  EXPECT_FALSE(stays(with_host("GET / HTTP/1.1", "Connection: x, CLOSE\r\n")));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(stays("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
}

TEST(HttpReader, ASoundRequestIdIsKept) {
  RequestReader reader = make_reader();
  reader.feed(with_host("GET / HTTP/1.1", "X-Request-Id: my-id\r\n"));
  EXPECT_EQ(reader.take_request().id, "my-id");
  reader.next();
  reader.feed(with_host("GET / HTTP/1.1", "X-Request-Id: my id\r\n"));
  EXPECT_NE(reader.take_request().id, "my id");
}

TEST(HttpReader, WantsToContinueOnlyBeforeTheBody) {
  const std::string head =
      with_host("POST / HTTP/1.1", "Expect: 100-Continue\r\nContent-Length: 2\r\n");
  RequestReader reader = make_reader();
  EXPECT_EQ(reader.feed(head), State::body);
  EXPECT_TRUE(reader.is_continue_wanted());
  reader.feed("a");
  EXPECT_FALSE(reader.is_continue_wanted());
  RequestReader impatient = make_reader();
  impatient.feed(head + "a");
  EXPECT_FALSE(impatient.is_continue_wanted());
  RequestReader old = make_reader();
  old.feed("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_FALSE(old.is_continue_wanted());
  EXPECT_EQ(refusal_of(with_host("POST / HTTP/1.1", "Expect: cake\r\nContent-Length: 2\r\n")), 417);
}

TEST(HttpReader, HeadersHaveALimitInBytes) {
  const std::string empty = with_host("GET / HTTP/1.1", "X: \r\n");
  const auto padded = [&](std::size_t total) {
    return with_host("GET / HTTP/1.1", "X: " + std::string(total - empty.size(), 'x') + "\r\n");
  };
  EXPECT_EQ(refusal_of(padded(kHeaderBytes)), 0);
  EXPECT_EQ(refusal_of(padded(kHeaderBytes + 1)), 431);
  EXPECT_EQ(refusal_of(std::string(kHeaderBytes + 4, 'A')), 431);
  EXPECT_EQ(refusal_of("GET /" + std::string(kHeaderBytes + 4, 'a')), 431);
  std::string flood = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 1000; ++i) flood += fmt::format("X-{}: y\r\n", i);
  EXPECT_EQ(refusal_of(flood), 431);
}

TEST(HttpReader, HeadersHaveALimitInLines) {
  const auto lines = [](int count) {
    std::string headers;
    for (int i = 0; i < count; ++i) headers += "a:\r\n";
    return with_host("GET / HTTP/1.1", headers);
  };
  EXPECT_EQ(refusal_of(lines(99)), 0);  // and Host
  EXPECT_EQ(refusal_of(lines(100)), 431);
}

TEST(HttpReader, BodiesHaveALimit) {
  const auto sized = [](std::size_t bytes) {
    return with_host("POST / HTTP/1.1", fmt::format("Content-Length: {}\r\n", bytes),
                     std::string(bytes, 'x'));
  };
  EXPECT_EQ(refusal_of(sized(kBodyBytes)), 0);
  EXPECT_EQ(refusal_of(sized(kBodyBytes + 1)), 413);
  const auto chunked = [](std::size_t bytes) {
    return with_host("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n",
                     fmt::format("800\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n", std::string(2048, 'x'),
                                 bytes - 2048, std::string(bytes - 2048, 'y')));
  };
  EXPECT_EQ(refusal_of(chunked(kBodyBytes)), 0);
  EXPECT_EQ(refusal_of(chunked(kBodyBytes + 1)), 413);
}

TEST(HttpReader, ChunkHeadersHaveALimit) {
  const auto with_extension = [](std::size_t bytes) {
    return with_host("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n",
                     "1;e=" + std::string(bytes, 'x'));
  };
  EXPECT_EQ(refusal_of(with_extension(4000)), 0);
  EXPECT_EQ(refusal_of(with_extension(5000)), 400);
  EXPECT_EQ(refusal_of(with_extension(4000) + "\r\nx\r\n0\r\n\r\n"), 0);
  EXPECT_EQ(refusal_of(with_extension(5000) + "\r\nx\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(refusal_of(with_host("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n",
                                 "0\r\nX: " + std::string(5000, 'x'))),
            400);
}

// What two programs may understand in two ways is refused.
TEST(HttpReader, RefusesWhatIsNotARequest) {
  const std::vector<std::string> bad = {
      "GET /\r\n\r\n",  // HTTP/0.9
      "GET / HTTP/0.9\r\n\r\n",
      "GET / HTTP/1.2\r\nHost: h\r\n\r\n",
      "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET / http/1.1\r\nHost: h\r\n\r\n",
      "get / HTTP/1.1\r\nHost: h\r\n\r\n",
      "G(T / HTTP/1.1\r\nHost: h\r\n\r\n",
      " GET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",
      "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
      "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /#f HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET /\xC3\xA9 HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",  // no Host
      "GET / HTTP/1.1\r\nHost:\r\n\r\n",
      with_host("GET / HTTP/1.1", "Host: h\r\n"),
      with_host("GET / HTTP/1.1", "No colon\r\n"),
      with_host("GET / HTTP/1.1", "Space : x\r\n"),
      with_host("GET / HTTP/1.1", ": x\r\n"),
      with_host("GET / HTTP/1.1", std::string("X: a\0b\r\n", 8)),
      with_host("GET / HTTP/1.1", "X: a\rb\r\n"),
      "GET / HTTP/1.1\nHost: h\n\n",
      with_host("GET / HTTP/1.1", "Authorization: a\r\nAuthorization: b\r\n"),
      with_host("GET / HTTP/1.1", "x-api-key: a\r\nX-API-Key: b\r\n"),
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11),  // TLS
      std::string("\xDE\xAD\xBE\xEF\x00\x01\x02\x03 \r\n\r\n", 13),
  };
  for (const std::string& bytes : bad) EXPECT_EQ(refusal_of(bytes), 400) << bytes;
}

TEST(HttpReader, RefusesAnUnclearEndOfTheBody) {
  const std::vector<std::string> bad = {
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: 5\r\nContent-Length: 5\r\n",
      "Content-Length: 5, 5\r\n",
      "Content-Length: -5\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: 5 5\r\n",
      "Content-Length: 0x5\r\n",
      "Content-Length: 5.0\r\n",
      "Content-Length: \r\n",
      "Content-Length: 99999999999999999999\r\n",
      "Transfer-Encoding: gzip\r\n",
      "Transfer-Encoding: identity\r\n",
      "Transfer-Encoding: gzip, chunked\r\n",
      "Transfer-Encoding: chunked, chunked\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: xchunked\r\n",
      "Transfer-Encoding: \r\n",
  };
  for (const std::string& headers : bad) {
    EXPECT_EQ(refusal_of(with_host("POST / HTTP/1.1", headers)), 400) << headers;
  }
  EXPECT_EQ(refusal_of(with_host("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(refusal_of(with_host("POST / HTTP/1.1", "Content-Length: 9223372036854775807\r\n")),
            413);
}

TEST(HttpReader, RefusesBrokenChunks) {
  const std::vector<std::string> bad = {"-1\r\nabc\r\n0\r\n\r\n",
                                        "0x3\r\nabc\r\n0\r\n\r\n",
                                        "g\r\nabc\r\n0\r\n\r\n",
                                        "3\r\nabcd\r\n0\r\n\r\n",
                                        "3 x\r\nabc\r\n0\r\n\r\n",
                                        "\r\nabc\r\n0\r\n\r\n",
                                        "3;\r\nabc\r\n0\r\n\r\n",
                                        "3\nabc\n0\n\nxxxxxxxxxx\r\n",
                                        "3\r\nabc\r\n0\r\nBad trailer\r\n\r\n",
                                        "10000000000000000\r\nabc\r\n0\r\n\r\n"};
  for (const std::string& body : bad) {
    EXPECT_EQ(refusal_of(with_host("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n", body)), 400)
        << body;
  }
  EXPECT_EQ(refusal_of(with_host("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n",
                                 "ffffffffffffffff\r\n")),
            413);
}

TEST(HttpReader, ARefusedRequestIsKnownAsFarAsItCame) {
  RequestReader reader = make_reader();
  EXPECT_EQ(reader.state(), State::idle);
  EXPECT_TRUE(is_sound_request_id(reader.take_request().id));
  reader.feed(with_host("POST /path HTTP/1.1", "Content-Length: 999999\r\n"));
  ASSERT_EQ(reader.state(), State::refused);
  EXPECT_EQ(reader.feed("more"), State::refused);
  EXPECT_FALSE(reader.is_keep_alive());
  const HttpRequest request = reader.take_request();
  EXPECT_EQ(request.method + request.path, "POST/path");
}

}  // namespace
}  // namespace gemma2::server
