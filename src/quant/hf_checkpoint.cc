// SPDX-License-Identifier: Apache-2.0
#include "quant/hf_checkpoint.h"

#include "check.h"

namespace gemma2 {

CheckpointContents read_hugging_face(const std::filesystem::path& directory) {
  fail(ErrorCode::unsupported, "{}: not yet", directory.string());
}

}  // namespace gemma2
