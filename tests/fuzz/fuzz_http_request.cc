// SPDX-License-Identifier: Apache-2.0
//
// What a client sends to the server. The same bytes in one piece and in pieces of every length that
// they themselves say must make the same requests: where they part is the network's whim.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz_target.h"
#include "http_reader.h"

namespace gemma2::server {
namespace {

using State = RequestReader::State;

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::size_t kBodyBytes = 8192;

void check(bool holds) {
  if (!holds) std::abort();
}

/// One line a request, after the promises that handlers rely on were checked.
std::string describe(const HttpRequest& request) {
  std::string text = request.method + " " + request.path + "?" + request.query;
  check(request.path.starts_with('/') && !request.method.empty() && !request.id.empty());
  for (const char c : request.path) check(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  std::size_t bytes = 0;
  for (const auto& [name, value] : request.headers) {
    text += "|" + name + ":" + value;
    bytes += name.size() + value.size();
    for (const char c : name) check(c > ' ' && c < 0x7F && !(c >= 'A' && c <= 'Z'));
    check(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  check(bytes <= kHeaderBytes && request.body.size() <= kBodyBytes);
  return text + "|" + request.body;
}

std::vector<std::string> read(std::string_view bytes, std::size_t piece) {
  RequestReader reader(kHeaderBytes, kBodyBytes);
  std::vector<std::string> requests;
  for (std::size_t at = 0; at < bytes.size() && reader.state() != State::refused; at += piece) {
    State state = reader.feed(bytes.substr(at, piece));
    while (state == State::whole) {
      requests.push_back(describe(reader.take_request()));
      if (!reader.is_keep_alive()) return requests;
      state = reader.next();
    }
  }
  check((reader.state() == State::refused) == (reader.refusal().status >= 400));
  return requests;
}

}  // namespace
}  // namespace gemma2::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma2;
  const std::string_view bytes = test::as_string(data, size);
  if (bytes.empty()) return 0;
  const auto whole = server::read(bytes, bytes.size());
  const std::size_t piece = 1 + data[size - 1] % 64U;
  if (server::read(bytes, piece) != whole || server::read(bytes, 1) != whole) std::abort();
  return 0;
}
