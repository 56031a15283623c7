// SPDX-License-Identifier: Apache-2.0
//
// The only exception that libgemma2 throws on purpose.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include "gemma2/export.h"

namespace gemma2 {

enum class ErrorCode : std::uint8_t {
  io,                 // a file could not be found, read or written
  malformed_file,     // a file broke the rules of its own format
  unsupported,        // a sound file or option that this library does not handle
  invalid_argument,   // the caller asked for something outside the documented range
  out_of_memory,      // the memory needed was refused
  device,             // a device failed or is missing
  non_finite_logits,  // the weights produced infinities or NaNs
  busy                // too many requests wait already, or no more are taken
};

/// what() reads "where: what was expected, what was found", outermost context first.
class GEMMA2_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace gemma2
