// SPDX-License-Identifier: Apache-2.0
//
// A tokenizer.json of the Hugging Face tokenizers library.
#include "fuzz/fuzz_target.h"
#include "tokenizer/vocabulary_readers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gemma2;
  test::ignore_errors([&] {
    const Tokenizer tokenizer =
        make_tokenizer(read_tokenizer_json(test::as_string(data, size)), "file");
    const auto ids = tokenizer.encode("the <end_of_turn>\n\u00e9 \xff", {.parse_special = true});
    (void)tokenizer.decode(ids, {.show_special = true});
  });
  return 0;
}
