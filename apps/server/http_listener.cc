// SPDX-License-Identifier: Apache-2.0
#include "http_listener.h"

#include <array>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <errno.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gemma2/error.h"

namespace gemma2::server {
namespace {

constexpr int kBacklog = 4096;  // the kernel takes at most net.core.somaxconn

std::string reason(int error) {
  return std::generic_category().message(error);
}

[[noreturn]] void fail_to_listen(const std::string& where, int error) {
  if (error == EADDRINUSE) {
    throw Error(ErrorCode::io, fmt::format("server: expected a free port, {} is in use", where));
  }
  throw Error(ErrorCode::io,
              fmt::format("server: expected to listen on {}, found: {}", where, reason(error)));
}

void start_listening(int descriptor, const std::string& where) {
  if (::listen(descriptor, kBacklog) != 0) fail_to_listen(where, errno);
}

bool is_any_address(const std::string& host) {
  return host == "0.0.0.0" || host == "::";
}

/// "[::1]" as in URLs is taken, too.
std::string without_brackets(const std::string& host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return host.substr(1, host.size() - 2);
  }
  return host;
}

std::string with_port(const std::string& host, int port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                             : fmt::format("[{}]:{}", host, port);
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

AddressList resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_ADDRCONFIG;
  if (host.find(':') != std::string::npos || host.find_first_not_of("0123456789.") == host.npos) {
    hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST;
  }
  addrinfo* list = nullptr;
  const int error = host.empty() ? EAI_NONAME : ::getaddrinfo(host.c_str(), "0", &hints, &list);
  if (error != 0) {
    throw Error(
        ErrorCode::io,
        fmt::format("server: expected a host name or an address to listen on, found '{}': {}", host,
                    error == EAI_SYSTEM ? reason(errno) : ::gai_strerror(error)));
  }
  return {list, &::freeaddrinfo};
}

/// One address: programs that are told "localhost" try 127.0.0.1 sooner or later.
const addrinfo& choose(const AddressList& list) {
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    if (a->ai_family == AF_INET) return *a;
  }
  return *list;
}

void set_option(int descriptor, int level, int name, int value) {
  // What can not be set only makes things slower or less convenient.
  static_cast<void>(::setsockopt(descriptor, level, name, &value, sizeof(value)));
}

/// Notices within two minutes that a client's machine or its cable is gone.
void keep_alive(int descriptor) {
  set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

std::string address_text(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  } else if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
  } else {
    return "unix";
  }
  return text.data();
}

/// A socket file that nobody listens on is left over from a server that was killed.
void remove_stale_socket(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) {
    throw Error(
        ErrorCode::io,
        fmt::format("server: expected a socket or nothing at {}, found another file", path));
  }
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int result = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = result == 0 ? 0 : errno;
  ::close(probe);
  if (error != ECONNREFUSED) {  // somebody listens, or it can not be told
    throw Error(ErrorCode::io, fmt::format("server: expected a free socket, {} is in use", path));
  }
  ::unlink(path.c_str());
}

}  // namespace

Listener::Listener(const HttpOptions& options) {
  if (options.port < 0 || options.port > 65535) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("server: expected a port of 0 to 65535, found {}", options.port));
  }
  try {
    if (options.host.ends_with(".sock")) {
      listen_on_path(options.host);
    } else {
      listen_on_port(options);
    }
  } catch (...) {
    close();
    throw;
  }
}

void Listener::listen_on_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("server: expected a socket's path of at most {} bytes, found {}",
                            sizeof(address.sun_path) - 1, path.size()));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  remove_stale_socket(path, address);
  descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ < 0 ||
      ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    fail_to_listen(path, errno);
  }
  // For its owner alone, whatever the umask: a path in /tmp must not open the server to everybody.
  // Nobody can connect before listen().
  struct stat status {};
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::stat(path.c_str(), &status) != 0) {
    fail_to_listen(path, errno);
  }
  path_ = path;
  device_ = status.st_dev;
  inode_ = status.st_ino;
  url_ = "unix:" + path;
  start_listening(descriptor_, path);
}

void Listener::listen_on_port(const HttpOptions& options) {
  const std::string host = without_brackets(options.host);
  const std::string where = with_port(host, options.port);
  const AddressList list = resolve(host);
  const addrinfo& chosen = choose(list);
  sockaddr_storage address{};
  std::memcpy(&address, chosen.ai_addr, chosen.ai_addrlen);
  const bool is_v6 = chosen.ai_family == AF_INET6;
  const auto port = htons(static_cast<std::uint16_t>(options.port));
  if (is_v6) {
    reinterpret_cast<sockaddr_in6*>(&address)->sin6_port = port;
  } else {
    reinterpret_cast<sockaddr_in*>(&address)->sin_port = port;
  }
  descriptor_ = ::socket(chosen.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (descriptor_ < 0) fail_to_listen(where, errno);
  set_option(descriptor_, SOL_SOCKET, SO_REUSEADDR, 1);  // over connections in TIME_WAIT alone
  if (options.reuse_port) set_option(descriptor_, SOL_SOCKET, SO_REUSEPORT, 1);
  if (is_v6) set_option(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY, host == "::" ? 0 : 1);
  if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), chosen.ai_addrlen) != 0) {
    fail_to_listen(where, errno);
  }
  start_listening(descriptor_, where);
  socklen_t size = sizeof(address);
  ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(is_v6 ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                      : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  // An address that a browser can open.
  const std::string shown = !is_any_address(host) ? host : is_v6 ? "::1" : "127.0.0.1";
  url_ = "http://" + with_port(shown, port_);
}

std::optional<Accepted> Listener::accept() const {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  const int descriptor = ::accept4(descriptor_, reinterpret_cast<sockaddr*>(&address), &size,
                                   SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (descriptor < 0) return std::nullopt;
  if (address.ss_family != AF_UNIX) {
    set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);  // each token as soon as it is there
    keep_alive(descriptor);
  }
  return Accepted{descriptor, address.ss_family, address_text(address)};
}

void Listener::close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  struct stat status {};
  if (!path_.empty() && ::stat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  path_.clear();
}

}  // namespace gemma2::server
