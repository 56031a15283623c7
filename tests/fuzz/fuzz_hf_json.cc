// SPDX-License-Identifier: Apache-2.0
//
// config.json and the index of shards: every input is tried as both.
#include "fuzz/fuzz_target.h"
#include "quant/hf_config.h"
#include "quant/hf_index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma2;
  const std::string_view text = test::as_string(data, size);
  test::ignore_errors([&] { (void)read_hf_config(text); });
  test::ignore_errors([&] { (void)read_hf_index(text); });
  return 0;
}
