// SPDX-License-Identifier: Apache-2.0
//
// Reads the committed goldens: tokens and the logits an independent implementation gave for them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "gemma2/session.h"

namespace gemma2::golden {

/// Largest difference allowed between an engine logit and its golden, everything in float32.
/// The goldens themselves are within 4.5e-5 of exact arithmetic, and a float32 engine with its own
/// order of sums strays as far again; every mistake listed in sensitivity.py shifts some case by at
/// least twenty times this bound.
inline constexpr float kMaxLogitError = 2e-4F;

/// WantLogits::all takes at most this many tokens an entry.
inline constexpr int kRowsPerStep = 64;

struct Golden {
  std::vector<TokenId> tokens = {};
  int vocab_size = 0;
  std::vector<float> logits = {};  // [tokens, vocab_size], row by row
};

/// The golden of a case folder, or the named one of its variants (other options, same weights).
/// Throws std::runtime_error naming the file that is missing or has the wrong size.
[[nodiscard]] Golden read_golden(const std::string& name, const std::string& variant = "");

[[nodiscard]] std::filesystem::path case_folder(const std::string& name);

/// The GGUF file of a case, or its Hugging Face folder.
[[nodiscard]] std::filesystem::path checkpoint_of(const std::string& name);

/// Options under which the engine computes what the goldens hold: float32 on the CPU.
[[nodiscard]] LoadOptions exact_options();

/// Feeds `tokens` in steps of at most `chunk` rows and returns the logits of every row, cut to the
/// first `vocab_size` of each. REQUIRES: chunk <= kRowsPerStep.
[[nodiscard]] std::vector<float> logits_of(Session& session, TokenSpan tokens, int vocab_size,
                                           int chunk = kRowsPerStep);

/// Where two sets of logits differ most; `value` is infinite if `actual` holds a NaN or infinity.
struct Difference {
  float value = 0;
  int position = 0;
  int token = 0;
};
[[nodiscard]] Difference largest_difference(const std::vector<float>& actual, const Golden& golden);

/// A folder of its own under the system's temporary one, removed at the end of the scope.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& name);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace gemma2::golden
