// SPDX-License-Identifier: Apache-2.0
//
// Which file a tokenizer comes from is decided by content: a tokenizer.json is a JSON object, a
// tokenizer.model begins with the tag of its first piece, everything else has to be a checkpoint.
#include "model/tokenizer_load.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "check.h"
#include "mapped_file.h"
#include "quant/location.h"
#include "tokenizer/vocabulary_readers.h"

namespace gemma2 {
namespace {

constexpr char kJsonObject = '{';
constexpr char kFirstPieceTag = '\x0A';  // field 1, length-delimited: ModelProto.pieces

std::string_view text_of(const MappedFile& file) noexcept {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

Tokenizer from_file(const MappedFile& file) {
  Vocabulary vocabulary = with_context(file.path(), [&] {
    return text_of(file).starts_with(kJsonObject) ? read_tokenizer_json(text_of(file))
                                                  : read_sentencepiece_model(file.bytes());
  });
  return make_tokenizer(std::move(vocabulary), file.path());
}

std::string name_of(const Checkpoint& checkpoint) {
  const std::vector<std::filesystem::path> files = checkpoint.files();
  return files.empty() ? "model in memory" : files.front().string();
}

Tokenizer from_checkpoint(const Checkpoint& checkpoint) {
  if (const auto* vocabulary = std::get_if<Vocabulary>(&checkpoint.vocabulary())) {
    return make_tokenizer(*vocabulary, name_of(checkpoint));
  }
  return from_file(MappedFile(std::get<TokenizerFile>(checkpoint.vocabulary()).path));
}

/// The tokenizer file in a Hugging Face folder. tokenizer.model is the original; tokenizer.json is
/// derived from it, and older ones leave out what user-defined pieces are.
std::filesystem::path file_in_folder(const std::filesystem::path& folder) {
  for (const char* name : {"tokenizer.model", "tokenizer.json"}) {
    std::error_code ignored;
    if (std::filesystem::exists(folder / name, ignored)) return folder / name;
  }
  fail(ErrorCode::io, "{}: expected tokenizer.model or tokenizer.json in the folder, found neither",
       folder.string());
}

}  // namespace

Tokenizer make_tokenizer_for(const Checkpoint& checkpoint) {
  Tokenizer tokenizer = from_checkpoint(checkpoint);
  require(tokenizer.vocab_size() == checkpoint.config().vocab_size, ErrorCode::malformed_file,
          "{}: expected a vocabulary of {} pieces, as the configuration says, found {}",
          name_of(checkpoint), checkpoint.config().vocab_size, tokenizer.vocab_size());
  return tokenizer;
}

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return load(file_in_folder(path));
  {
    const MappedFile file(locate(path).path);
    const std::string_view text = text_of(file);
    if (text.starts_with(kJsonObject) || text.starts_with(kFirstPieceTag)) return from_file(file);
  }
  return from_checkpoint(Checkpoint::open(path));
}

}  // namespace gemma2
