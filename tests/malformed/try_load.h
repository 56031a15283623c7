// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace gemma2::test {

/// What an attempt came to: the message of the Error, or nothing if it worked. Whatever else
/// happens (another exception, a signal) is for the test framework to report.
using Outcome = std::optional<std::string>;

[[nodiscard]] Outcome attempt(const std::function<void()>& body);

/// Loads the file and uses it (use_checkpoint.h).
[[nodiscard]] Outcome try_gguf(std::span<const std::byte> bytes);

}  // namespace gemma2::test
