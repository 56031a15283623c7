// SPDX-License-Identifier: Apache-2.0
//
// Bytes from a client into requests, whatever pieces they come in. Boost.Beast does the parsing;
// what it lets pass and RFC 9112 or common sense do not is refused here: more than one
// Content-Length, any transfer coding but chunked, a header twice that must be unique, a request
// without Host. It knows no sockets, so a fuzzer can drive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http.h"

namespace gemma2::server {

/// Why a request is not taken; the connection can not go on behind it.
struct HttpRefusal {
  int status = 0;
  std::string message = {};
};

class RequestReader {
 public:
  enum class State : std::uint8_t { idle, header, body, whole, refused };

  RequestReader(std::size_t max_header_bytes, std::size_t max_body_bytes);
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;
  ~RequestReader();

  /// Takes what came. Bytes behind a whole request are kept for the next one.
  State feed(std::string_view bytes);
  [[nodiscard]] State state() const noexcept { return state_; }

  /// Whether the client waits for "100 Continue" before it sends its body.
  [[nodiscard]] bool is_continue_wanted() const noexcept;
  /// Whether another request may follow on the connection.
  [[nodiscard]] bool is_keep_alive() const noexcept;
  [[nodiscard]] bool is_http11() const noexcept;
  [[nodiscard]] const HttpRefusal& refusal() const noexcept { return refusal_; }

  /// The request, or what is known of one that was refused or timed out; its id is always there.
  [[nodiscard]] HttpRequest take_request();
  /// Forgets the request and goes on with the bytes behind it.
  State next();

 private:
  struct Parser;

  State parse();
  void parse_some(std::size_t& used);
  void refuse(int status, std::string message);
  void refuse_long_chunk_header();

  std::size_t max_header_bytes_;
  std::size_t max_body_bytes_;
  std::unique_ptr<Parser> parser_;
  std::string pending_ = {};      // not parsed yet
  std::size_t header_bytes_ = 0;  // of this request, parsed
  State state_ = State::idle;
  HttpRefusal refusal_ = {};
};

}  // namespace gemma2::server
