// SPDX-License-Identifier: Apache-2.0
//
// A zip with a stored .gguf.
#include "fuzz/fuzz_target.h"
#include "quant/zip_entry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma2;
  const auto file = test::as_bytes(data, size);
  if (!is_zip(file)) return 0;
  for (const char* wanted : {"", "m.gguf"}) {
    test::ignore_errors([&] {
      [[maybe_unused]] volatile std::byte last{};
      const auto found = find_stored_gguf(file, wanted);
      if (!found.empty()) last = found.back();
    });
  }
  return 0;
}
