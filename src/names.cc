// SPDX-License-Identifier: Apache-2.0
#include "gemma2/types.h"
#include "gemma2/version.h"

#define GEMMA2_STRING_OF(x) #x
#define GEMMA2_VERSION_STRING(major, minor, patch) \
  GEMMA2_STRING_OF(major) "." GEMMA2_STRING_OF(minor) "." GEMMA2_STRING_OF(patch)

namespace gemma2 {

const char* to_string(DType type) noexcept {
  switch (type) {
    case DType::f32:
      return "f32";
    case DType::f16:
      return "f16";
    case DType::bf16:
      return "bf16";
    case DType::q8_0:
      return "q8_0";
    case DType::q6_k:
      return "q6_k";
  }
  return "?";
}

const char* to_string(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::end_of_turn:
      return "end_of_turn";
    case StopReason::stop_text:
      return "stop_text";
    case StopReason::max_tokens:
      return "max_tokens";
    case StopReason::context_full:
      return "context_full";
    case StopReason::cancelled:
      return "cancelled";
    case StopReason::deadline:
      return "deadline";
  }
  return "?";
}

const char* version() noexcept {
  return GEMMA2_VERSION_STRING(GEMMA2_VERSION_MAJOR, GEMMA2_VERSION_MINOR, GEMMA2_VERSION_PATCH);
}

}  // namespace gemma2
