// SPDX-License-Identifier: Apache-2.0
//
// What GET requests tell: the model, the settings, the slots.
#pragma once

#include <string>

#include "server.h"
#include "service.h"

namespace gemma2::server {

[[nodiscard]] std::string models_body(const Running& running, const ServerOptions& options);
[[nodiscard]] std::string model_body(const Running& running, const ServerOptions& options);
[[nodiscard]] std::string props_body(const Running& running, const ServerOptions& options);
[[nodiscard]] std::string slots_body(const Running& running, const ServerOptions& options);

}  // namespace gemma2::server
