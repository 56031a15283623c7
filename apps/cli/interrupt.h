// SPDX-License-Identifier: Apache-2.0
//
// Ctrl-C. The first press stops what can be stopped, the second within two seconds, or the first
// when nothing can be, ends the program with status 130.
#pragma once

#include <stop_token>

namespace gemma2::cli {

/// Takes SIGINT over and lets failed writes report EPIPE. Leaves SIGINT alone if it is ignored, as
/// it is for a background job. Call once.
void install_signal_handlers();

/// From now on SIGTERM, which ends a service, is what Ctrl-C is.
void take_termination_over();

/// While one exists, the first Ctrl-C requests a stop of token() instead of ending the program.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_ = {};
};

/// Thrown where a stop can only be honoured by leaving: status 130.
struct Interrupted {};

}  // namespace gemma2::cli
