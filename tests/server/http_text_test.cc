// SPDX-License-Identifier: Apache-2.0
#include "http_text.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "http.h"

namespace gemma2::server {
namespace {

TEST(HttpPath, IsDecodedOnce) {
  EXPECT_EQ(decode_path("/v1/models"), "/v1/models");
  EXPECT_EQ(decode_path("/a%20b%2Fc%7e"), "/a b/c~");
  EXPECT_EQ(decode_path("/%2568ealth"), "/%68ealth");
  EXPECT_EQ(decode_path("/%C3%A9"), "/\xC3\xA9");
  EXPECT_EQ(decode_path(""), "");
}

TEST(HttpPath, RefusesWhatIsNotAPath) {
  for (const std::string_view bad : {"/%", "/%4", "/%4g", "/%g4", "/%00", "/%0a", "/%0D", "/%1f",
                                     "/%7f", "/a b", "/\xC3\xA9", "/\x7F", "/\t", "/% 1", "/%+1"}) {
    EXPECT_FALSE(decode_path(bad)) << bad;
  }
}

TEST(HttpRequestId, TakesWhatIsSafeInALogLine) {
  EXPECT_TRUE(is_sound_request_id("a"));
  EXPECT_TRUE(is_sound_request_id("Req_0.9-Z"));
  EXPECT_TRUE(is_sound_request_id(std::string(128, 'x')));
  EXPECT_FALSE(is_sound_request_id(std::string(129, 'x')));
  for (const std::string_view bad : {"", " ", "a b", "a\"", "\x1B[31m", "\xC3\xA9", "a/b", "a:"}) {
    EXPECT_FALSE(is_sound_request_id(bad)) << bad;
  }
}

TEST(HttpRequestId, IsMadeAnewEachTime) {
  EXPECT_TRUE(is_sound_request_id(make_request_id()));
  EXPECT_NE(make_request_id(), make_request_id());
}

TEST(HttpHead, NamesEverythingOnce) {
  EXPECT_EQ(render_head({.status = 200,
                         .content_type = "text/plain",
                         .length = 5,
                         .request_id = "r1",
                         .connection = "close"},
                        {{"X-A", "b"}}),
            "HTTP/1.1 200 OK\r\nServer: gemma2\r\nx-request-id: r1\r\nContent-Type: text/plain\r\n"
            "X-A: b\r\nConnection: close\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(render_head({.status = 204, .framing = Framing::none, .request_id = "r"}, {}),
            "HTTP/1.1 204 No Content\r\nServer: gemma2\r\nx-request-id: r\r\n\r\n");
  EXPECT_EQ(render_head({.status = 299, .framing = Framing::chunked, .request_id = "r"}, {}),
            "HTTP/1.1 299 Status\r\nServer: gemma2\r\nx-request-id: r\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
}

TEST(HttpHead, ValuesCanNotBeginALine) {
  const std::string head = render_head({.content_type = "a\r\nSet-Cookie: x", .request_id = "r"},
                                       {{"X-A", "b\r\n\r\n<script>"},
                                        {"X-N", std::string("\0\x7F\t", 3)},
                                        {"Bad Name", "x"},
                                        {"X:Y", "x"},
                                        {"X\r\nY", "x"},
                                        {"", "x"},
                                        {"Content-LENGTH", "7"},
                                        {"transfer-encoding", "chunked"},
                                        {"Connection", "upgrade"}});
  EXPECT_EQ(head,
            "HTTP/1.1 200 OK\r\nServer: gemma2\r\nx-request-id: r\r\n"
            "Content-Type: a  Set-Cookie: x\r\nX-A: b    <script>\r\nX-N:    \r\n"
            "Content-Length: 0\r\n\r\n");
}

TEST(HttpRequest, HeaderIsTheOnlyOneOfItsName) {
  HttpRequest request;
  request.headers = {{"a", "1"}, {"b", "2"}, {"b", "3"}};
  EXPECT_EQ(request.header("a"), "1");
  EXPECT_EQ(request.header("b"), "");  // which one would the next program take?
  EXPECT_EQ(request.header("c"), "");
}

}  // namespace
}  // namespace gemma2::server
