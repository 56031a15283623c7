// SPDX-License-Identifier: Apache-2.0
#include "malformed/use_checkpoint.h"

#include <variant>
#include <vector>

#include "gemma2/tokenizer.h"

#include "mapped_file.h"
#include "quant/formats.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2::test {
namespace {

Tokenizer tokenizer_of(const Checkpoint& checkpoint) {
  if (const auto* vocabulary = std::get_if<Vocabulary>(&checkpoint.vocabulary())) {
    return make_tokenizer(*vocabulary, "tokenizer");
  }
  const MappedFile file(std::get<TokenizerFile>(checkpoint.vocabulary()).path);
  return make_tokenizer(read_sentencepiece_model(file.bytes()), "tokenizer");
}

}  // namespace

void use_checkpoint(const Checkpoint& checkpoint) {
  for (const TensorInfo& tensor : checkpoint.tensors()) {
    if (tensor.shape.size() == 1) {
      (void)checkpoint.norm(tensor.name);
      continue;
    }
    const TensorView view = checkpoint.matrix(tensor.name);
    const Format& format = format_of(view.type);
    std::vector<float> row(static_cast<std::size_t>(view.cols));
    for (int i = 0; i < view.rows; ++i) {
      format.decode_row(row.data(),
                        view.data + static_cast<std::size_t>(i) * row_bytes(format, view.cols),
                        view.cols);
    }
  }
  const Tokenizer tokenizer = tokenizer_of(checkpoint);
  const auto ids = tokenizer.encode("the fox<end_of_turn>\n  \u00e9\xff", {.parse_special = true});
  (void)tokenizer.decode(ids, {.show_special = true});
}

}  // namespace gemma2::test
