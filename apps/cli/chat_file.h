// SPDX-License-Identifier: Apache-2.0
//
// A conversation on disk: a magic number, the messages as JSON, and the keys and values that the
// model has computed for them, so that it goes on where it stopped without reading it all again.
#pragma once

#include <string>
#include <vector>

#include "gemma2/chat.h"
#include "gemma2/kv_cache.h"

namespace gemma2::cli {

struct SavedChat {
  std::vector<Message> messages;
  KvCache cache;
};

/// Replaces the file at `path`, with mode 0600, or leaves it as it is. Throws Failure, Error.
void save_chat(const std::string& path, const std::vector<Message>& messages,
               const std::string& model_name, const KvCache& cache);

/// Throws Failure if it is no such file, is damaged, or was written with another model or other
/// arithmetic.
[[nodiscard]] SavedChat load_chat(const std::string& path, const Model& model);

}  // namespace gemma2::cli
