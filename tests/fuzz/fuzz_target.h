// SPDX-License-Identifier: Apache-2.0
//
// What the fuzz targets share. Each defines LLVMFuzzerTestOneInput and may do nothing with its
// input but return or throw gemma2::Error inside ignore_errors().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "gemma2/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace gemma2::test {

[[nodiscard]] inline std::span<const std::byte> as_bytes(const std::uint8_t* data,
                                                         std::size_t size) noexcept {
  return {reinterpret_cast<const std::byte*>(data), size};
}

[[nodiscard]] inline std::string_view as_string(const std::uint8_t* data,
                                                std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(data), size};
}

template <typename Body>
void ignore_errors(const Body& body) {
  try {
    body();
  } catch (const Error&) {
  }
}

}  // namespace gemma2::test
