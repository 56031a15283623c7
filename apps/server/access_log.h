// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "http.h"
#include "server.h"

namespace gemma2::server {

/// One line, without its end. Prompts are in it only if they were asked for; keys never.
[[nodiscard]] std::string access_line(const ExchangeReport& report, LogFormat format,
                                      bool with_prompts);

}  // namespace gemma2::server
