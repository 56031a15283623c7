// SPDX-License-Identifier: Apache-2.0
//
// The safetensors container.
#include "fuzz/fuzz_target.h"
#include "quant/hf_names.h"
#include "quant/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma2;
  test::ignore_errors([&] {
    [[maybe_unused]] volatile std::byte last{};
    for (const SafeTensor& tensor : read_safetensors(test::as_bytes(data, size))) {
      (void)gguf_name_of(tensor.name);
      if (!tensor.bytes.empty()) last = tensor.bytes.back();
    }
  });
  return 0;
}
