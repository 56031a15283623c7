// SPDX-License-Identifier: Apache-2.0
#include "http_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "http_text.h"

#include <boost/beast/http/basic_parser.hpp>

namespace gemma2::server {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr int kMaxHeaders = 100;
// Of a chunk's size and extensions, or of trailers, which are read and thrown away.
constexpr std::size_t kMaxChunkHeader = 4096;
// The parser's own assertions want at least this much of a chunk's header. The shortest end of a
// chunked body has as many bytes, so waiting for them never waits for ever.
constexpr std::size_t kMinChunkBytes = 5;

/// With two of one of these, what checks the first and what uses the second would disagree.
bool must_be_unique(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 9> kNames = {
      "authorization", "content-length",    "content-type", "expect",      "host",
      "origin",        "transfer-encoding", "x-api-key",    "x-request-id"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// A line ended by LF alone: Beast says so only when the header has its end, which may never come.
bool has_bare_line_feed(std::string_view text) noexcept {
  for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

bool is_number(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view view(beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

std::string describe(http::error error) {
  switch (error) {
    case http::error::bad_method:
      return "request line: expected a method of token characters and a space";
    case http::error::bad_target:
      return "request line: expected a path without blanks, and a version behind it";
    case http::error::bad_version:
      return "request line: expected HTTP/1.0 or HTTP/1.1 at its end";
    case http::error::bad_field:
    case http::error::bad_value:
    case http::error::bad_line_ending:
      return "header: expected lines 'Name: value' without control characters, ended by CR LF";
    case http::error::bad_content_length:
    case http::error::multiple_content_length:
      return "Content-Length: expected one number of bytes, and no Transfer-Encoding beside it";
    case http::error::bad_transfer_encoding:
      return "Transfer-Encoding: expected 'chunked' once, and no Content-Length beside it";
    case http::error::bad_chunk:
    case http::error::bad_chunk_extension:
      return "body: expected chunks, each a hexadecimal size, CR LF, the data, and CR LF";
    default:
      return "expected a request of HTTP/1.1";
  }
}

}  // namespace

struct RequestReader::Parser final : http::basic_parser<true> {
  HttpRequest request = {};
  HttpRefusal refusal = {};  // ours; Beast's own reasons are error codes
  bool is_http11 = true;
  bool expects_continue = false;
  bool met_chunk_header = false;

  void on_request_impl(http::verb, beast::string_view method, beast::string_view target,
                       int version, beast::error_code& ec) override {
    is_http11 = version == 11;
    request.method = view(method);
    const std::string_view whole = view(target);
    const std::size_t question = whole.find('?');
    if (question != std::string_view::npos) request.query = whole.substr(question + 1);
    const bool is_upper =
        std::none_of(method.begin(), method.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (is_upper && whole.starts_with('/') && whole.find('#') == std::string_view::npos) {
      auto path = decode_path(whole.substr(0, question));
      if (path) {
        request.path = std::move(*path);
        return;
      }
    }
    refuse(400,
           "request line: expected an upper-case method and a path that begins with '/', "
           "without '#', bad %-escapes or control characters",
           ec);
  }

  void on_field_impl(http::field, beast::string_view name, beast::string_view text,
                     beast::error_code& ec) override {
    if (is_header_done()) return;  // a trailer must not pass for a header
    if (request.headers.size() >= kMaxHeaders) {
      return refuse(431, fmt::format("header: expected at most {} lines", kMaxHeaders), ec);
    }
    std::string key = to_lower(view(name));
    const std::string_view value = view(text);
    if (must_be_unique(key) && has(key)) {
      return refuse(400, fmt::format("header: expected {} once, found it twice", key), ec);
    }
    if (key == "content-length" && !is_number(value))
      return fail(http::error::bad_content_length, ec);
    if (key == "transfer-encoding" && !(is_http11 && equals_ignoring_case(value, "chunked"))) {
      return fail(http::error::bad_transfer_encoding, ec);
    }
    if (key == "expect") {
      expects_continue = equals_ignoring_case(value, "100-continue");
      if (!expects_continue) return refuse(417, "Expect: expected '100-continue'", ec);
    }
    request.headers.emplace_back(std::move(key), value);
  }

  void on_header_impl(beast::error_code& ec) override {
    // Every client of HTTP/1.1 sends it, above all browsers, whose Host is checked later on.
    if (is_http11 && request.header("host").empty()) {
      refuse(400, "header: expected Host, which HTTP/1.1 asks for", ec);
    }
  }

  std::size_t on_body_impl(beast::string_view bytes, beast::error_code&) override {
    request.body.append(bytes.data(), bytes.size());
    return bytes.size();
  }

  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes,
                                 beast::error_code& ec) override {
    return on_body_impl(bytes, ec);
  }

  void on_chunk_header_impl(std::uint64_t, beast::string_view, beast::error_code&) override {
    met_chunk_header = true;
  }

  void on_response_impl(int, beast::string_view, int, beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, beast::error_code&) override {}
  void on_finish_impl(beast::error_code&) override {}

 private:
  [[nodiscard]] bool has(std::string_view name) const {
    return std::any_of(request.headers.begin(), request.headers.end(),
                       [&](const auto& header) { return header.first == name; });
  }

  static void fail(http::error error, beast::error_code& ec) { ec = error; }

  void refuse(int status, std::string message, beast::error_code& ec) {
    refusal = {status, std::move(message)};
    ec = http::error::bad_field;
  }
};

RequestReader::RequestReader(std::size_t max_header_bytes, std::size_t max_body_bytes)
    : max_header_bytes_(max_header_bytes), max_body_bytes_(max_body_bytes) {}

RequestReader::~RequestReader() = default;

bool RequestReader::is_continue_wanted() const noexcept {
  return state_ == State::body && parser_->expects_continue && parser_->is_http11 &&
         pending_.empty() && parser_->request.body.empty();
}

bool RequestReader::is_keep_alive() const noexcept {
  return state_ == State::whole && parser_->keep_alive();
}

bool RequestReader::is_http11() const noexcept {
  return !parser_ || parser_->is_http11;
}

HttpRequest RequestReader::take_request() {
  HttpRequest request;
  if (parser_) request = std::move(parser_->request);
  const std::string_view id = request.header("x-request-id");
  request.id = is_sound_request_id(id) ? std::string(id) : make_request_id();
  return request;
}

RequestReader::State RequestReader::next() {
  parser_.reset();
  header_bytes_ = 0;
  state_ = State::idle;
  return parse();
}

RequestReader::State RequestReader::feed(std::string_view bytes) {
  pending_.append(bytes);
  return parse();
}

void RequestReader::refuse(int status, std::string message) {
  refusal_ = {status, std::move(message)};
  state_ = State::refused;
  pending_.clear();
}

void RequestReader::refuse_long_chunk_header() {
  refuse(400, fmt::format("body: expected at most {} bytes between chunks", kMaxChunkHeader));
}

RequestReader::State RequestReader::parse() {
  std::size_t used = 0;
  if (state_ == State::idle) {
    if (pending_.starts_with("\r\n")) used = 2;  // RFC 9112, 2.2: some send one behind a body
    if (pending_.size() == used || pending_ == "\r") return state_;
    state_ = State::header;
    parser_ = std::make_unique<Parser>();
    // Beast counts what it was not given before; the true count is kept here.
    parser_->header_limit(static_cast<std::uint32_t>(max_header_bytes_));
    parser_->body_limit(max_body_bytes_);
  }
  if (state_ == State::header || state_ == State::body) parse_some(used);
  pending_.erase(0, std::min(used, pending_.size()));
  return state_;
}

void RequestReader::parse_some(std::size_t& used) {
  beast::error_code ec;
  while (!ec && used < pending_.size()) {
    const std::size_t left = pending_.size() - used;
    if (state_ == State::body && parser_->chunked() && left < kMinChunkBytes) return;
    const std::size_t parsed =
        parser_->put(boost::asio::const_buffer(pending_.data() + used, left), ec);
    used += parsed;
    if (std::exchange(parser_->met_chunk_header, false) && parsed > kMaxChunkHeader) {
      return refuse_long_chunk_header();
    }
    if (state_ == State::header) {
      header_bytes_ += parsed;
      const bool done = parser_->is_header_done();
      const std::size_t bytes = header_bytes_ + (done ? 0 : pending_.size() - used);
      const bool sound = !ec || ec == http::error::need_more;
      if (ec == http::error::header_limit || (sound && bytes > max_header_bytes_)) {
        return refuse(431, fmt::format("header: expected at most {} bytes", max_header_bytes_));
      }
      if (done) state_ = State::body;
    }
    if (!ec && parser_->is_done()) {
      state_ = State::whole;
      return;
    }
  }
  const std::string_view rest = std::string_view(pending_).substr(used);
  if (ec == http::error::need_more) {
    if (state_ == State::header && has_bare_line_feed(rest)) {
      refuse(400, describe(http::error::bad_line_ending));
    } else if (state_ == State::body && rest.size() > kMaxChunkHeader) {
      refuse_long_chunk_header();
    }
  } else if (parser_->refusal.status != 0) {
    refuse(parser_->refusal.status, std::move(parser_->refusal.message));
  } else if (ec == http::error::body_limit) {
    refuse(413, fmt::format("body: expected at most {} bytes", max_body_bytes_));
  } else if (ec) {
    refuse(400, describe(static_cast<http::error>(ec.value())));
  }
}

}  // namespace gemma2::server
