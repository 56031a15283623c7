// SPDX-License-Identifier: Apache-2.0
//
// Built instead of line_editor.cc where libedit is missing.
#include "line_editor.h"

namespace gemma2::cli {

std::unique_ptr<LineEditor> LineEditor::open(std::FILE* /*screen*/, Completer /*completer*/) {
  return nullptr;
}

}  // namespace gemma2::cli
