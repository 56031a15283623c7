// SPDX-License-Identifier: Apache-2.0
//
// A body of any endpoint that takes prompts.
#include "fuzz/fuzz_request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma2;
  const std::string_view body = test::as_string(data, size);
  test::ignore_refusals([&] { test::use_request(server::parse_completion_request(body, {})); });
  test::ignore_refusals(
      [&] { test::use_request(server::parse_native_completion_request(body, {})); });
  test::ignore_refusals([&] { (void)server::parse_embedding_request(body, {}); });
  test::ignore_refusals([&] { (void)server::parse_tokenize_request(body, {}); });
  test::ignore_refusals([&] { (void)server::parse_detokenize_request(body, {}); });
  return 0;
}
