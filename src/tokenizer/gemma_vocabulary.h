// SPDX-License-Identifier: Apache-2.0
//
// The layout of Gemma's own vocabulary of 256,000 pieces. Files of it differ in everything but the
// order of ids: space runs spelled with plain spaces, user-defined pieces typed as normal or
// control, scores of 0 or -1000, a tab in the place of <0x09>. The ids decide.
#pragma once

#include <string_view>

#include "vocabulary.h"

namespace gemma2 {

/// True for Gemma's vocabulary, also if further pieces follow it.
[[nodiscard]] bool is_gemma_vocabulary(const Vocabulary& vocabulary) noexcept;

/// Gives every piece of Gemma's vocabulary the text, type and score that Gemma's own file has.
/// Names of reserved pieces (4..105, 255999) stay, since fine-tunes rename them.
void repair_gemma_vocabulary(Vocabulary& vocabulary);

/// A piece that steers the model (turn markers, reserved pieces): in text mode it is plain text.
[[nodiscard]] bool is_marker(std::string_view text) noexcept;

/// The same by id, for Gemma's vocabulary.
[[nodiscard]] bool is_gemma_marker(TokenId id) noexcept;

}  // namespace gemma2
