// SPDX-License-Identifier: Apache-2.0
//
// The single place where the library throws. A message reads "where: expected .., found ..".
#pragma once

#include <string>
#include <utility>

#include <fmt/format.h>

#include "gemma2/error.h"

namespace gemma2 {

template <typename... Args>
[[noreturn]] void fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws Error(code, formatted message) unless `condition` holds. Arguments are evaluated always.
template <typename... Args>
void require(bool condition, ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) [[unlikely]]
    fail(code, format, std::forward<Args>(args)...);
}

/// Runs `body` and puts "where: " before the message of any Error that leaves it.
template <typename Body>
decltype(auto) with_context(const std::string& where, Body&& body) {
  try {
    return std::forward<Body>(body)();
  } catch (const Error& error) {
    throw Error(error.code(), where + ": " + error.what());
  }
}

}  // namespace gemma2
