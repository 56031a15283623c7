// SPDX-License-Identifier: Apache-2.0
#include "user_folders.h"

#include <cstdlib>
#include <filesystem>

#include <sys/stat.h>

namespace gemma2::cli {
namespace {

std::string home() {
  const char* value = std::getenv("HOME");
  return value == nullptr ? std::string() : value;
}

}  // namespace

std::string expand_tilde(std::string_view path) {
  const bool at_home = path == "~" || path.starts_with("~/");
  if (!at_home || home().empty()) return std::string(path);
  return home() + std::string(path.substr(1));
}

std::string state_folder() {
  const char* xdg = std::getenv("XDG_STATE_HOME");
  std::string base = xdg != nullptr && *xdg == '/' ? xdg : "";  // a relative one is to be ignored
  if (base.empty() && !home().empty()) base = home() + "/.local/state";
  if (base.empty()) return {};
  std::error_code error;
  std::filesystem::create_directories(base, error);
  const std::string folder = base + "/gemma2";
  ::mkdir(folder.c_str(), 0700);  // it may well be there
  return std::filesystem::is_directory(folder, error) ? folder : std::string();
}

}  // namespace gemma2::cli
