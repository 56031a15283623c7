// SPDX-License-Identifier: Apache-2.0
//
// A body of /v1/chat/completions: a refusal, or values that the engine takes without a further
// look.
#include "fuzz/fuzz_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma2;
  const std::string_view body = test::as_string(data, size);
  test::ignore_refusals([&] { test::use_request(server::parse_chat_request(body, {})); });
  server::RequestDefaults strict;
  strict.strict = true;
  strict.chat.strict_alternation = true;
  test::ignore_refusals([&] { test::use_request(server::parse_template_request(body, strict)); });
  return 0;
}
