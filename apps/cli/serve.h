// SPDX-License-Identifier: Apache-2.0
//
// The server as this program runs it: alone (--server), or behind a chat on a terminal.
#pragma once

#include <memory>
#include <string>

#include "gemma2/model.h"

#include "server/server.h"
#include "settings.h"

namespace gemma2::cli {

/// What the settings ask of a server for the model called `name`.
[[nodiscard]] server::ServerOptions server_options(const Settings& settings,
                                                   const std::string& name);

/// A server behind a chat: says where it listens, or why it does not, and is no reason to end.
/// Null: there is none.
[[nodiscard]] std::unique_ptr<server::Server> serve_in_background(const Settings& settings,
                                                                  const Model& model,
                                                                  const std::string& name);

}  // namespace gemma2::cli
