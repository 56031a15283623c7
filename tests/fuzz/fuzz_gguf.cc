// SPDX-License-Identifier: Apache-2.0
//
// A GGUF: the container alone, then the whole checkpoint with its vocabulary.
#include "fuzz/fuzz_target.h"
#include "malformed/use_checkpoint.h"
#include "quant/checkpoint.h"
#include "quant/gguf.h"
#include "quant/gguf_metadata.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma2;
  const auto bytes = test::as_bytes(data, size);
  test::ignore_errors([&] {
    const GgufFile file = GgufFile::parse(bytes);
    for (const GgufKey& key : file.keys()) (void)describe(key);
    (void)file.locate_tensors();
  });
  test::ignore_errors([&] { test::use_checkpoint(Checkpoint::from_bytes(bytes, "file")); });
  return 0;
}
