// SPDX-License-Identifier: Apache-2.0
//
//   8 bytes   magic number
//   8 bytes   length of the JSON, little endian
//   the JSON  {"model": name, "messages": [{"role": "user", "content": "..."}, ...]}
//   the rest  KvCache::save, which has digests of its content and of the model
#include "chat_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <ostream>
#include <span>
#include <streambuf>

#include <fmt/format.h>

#include "gemma2/error.h"

#include "atomic_file.h"
#include "attachment.h"
#include "exit_status.h"
#include "input.h"

#include <nlohmann/json.hpp>

namespace gemma2::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kMagic = "G2CHAT01";
constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kLongestJson = std::uint64_t{64} << 20U;
constexpr int kDeepestJson = 3;
constexpr std::array<std::string_view, 3> kRoles{"system", "user", "model"};

/// What a stream writes goes into the file; what that throws comes back out of the stream.
class FileSink : public std::streambuf {
 public:
  explicit FileSink(AtomicFile& file) : file_(file) {}

 protected:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    file_.append(std::as_bytes(std::span(data, static_cast<std::size_t>(size))));
    return size;
  }
  int overflow(int c) override {
    const char byte = traits_type::to_char_type(c);
    xsputn(&byte, 1);
    return c;
  }

 private:
  AtomicFile& file_;
};

std::string header_json(const std::vector<Message>& messages, const std::string& model_name) {
  ordered_json list = ordered_json::array();
  for (const Message& message : messages) {
    list.push_back(
        {{"role", kRoles[static_cast<std::size_t>(message.role)]}, {"content", message.content}});
  }
  const ordered_json header = {{"model", model_name}, {"messages", list}};
  return header.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

[[noreturn]] void reject(const std::string& path, std::string_view expected,
                         std::string_view found) {
  throw Failure(kRuntimeError, fmt::format("{}: expected {}, found {}", path, expected, found));
}

/// The bytes of the JSON; the stream then stands at the cache.
std::string read_json_bytes(const std::string& path, std::uint64_t size, std::istream& file) {
  std::array<char, kMagic.size() + kLengthBytes> head{};
  file.read(head.data(), head.size());
  if (!std::string_view(head.data(), head.size()).starts_with(kMagic)) {
    reject(path, "a conversation that /save wrote", "another kind of file");
  }
  std::uint64_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) {
    length = length << 8U | static_cast<unsigned char>(head[kMagic.size() + i]);
  }
  const std::uint64_t room = std::min(kLongestJson, size - std::min<std::uint64_t>(size, 16));
  if (file.gcount() != static_cast<std::streamsize>(head.size()) || length > room) {
    reject(path, "a whole conversation", "one that is cut off");
  }
  std::string json(length, '\0');
  file.read(json.data(), static_cast<std::streamsize>(length));
  return json;
}

struct Header {
  std::string model = {};
  std::vector<Message> messages = {};
};

Message read_message(const ordered_json& json) {
  const std::string role = json.at("role").get<std::string>();
  const auto* found = std::find(kRoles.begin(), kRoles.end(), role);
  if (found == kRoles.end()) throw std::runtime_error("the role " + role);
  return {static_cast<Role>(found - kRoles.begin()), json.at("content").get<std::string>()};
}

Header parse_header(const std::string& path, const std::string& text) {
  Header header;
  try {
    const auto check_depth = [](int depth, ordered_json::parse_event_t, ordered_json&) {
      if (depth > kDeepestJson) throw std::runtime_error("lists in lists");
      return true;
    };
    const ordered_json json = ordered_json::parse(text, check_depth);
    header.model = json.at("model").get<std::string>();
    for (const ordered_json& message : json.at("messages")) {
      header.messages.push_back(read_message(message));
    }
  } catch (const std::runtime_error& error) {
    reject(path, "the messages of a conversation", error.what());
  } catch (const ordered_json::exception& error) {
    reject(path, "the messages of a conversation", error.what());
  }
  return header;
}

}  // namespace

void save_chat(const std::string& path, const std::vector<Message>& messages,
               const std::string& model_name, const KvCache& cache) {
  AtomicFile file("/save", path, 0600);
  FileSink sink(file);
  std::ostream out(&sink);
  out.exceptions(std::ios::badbit);
  const std::string json = header_json(messages, model_name);
  out << kMagic;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    out.put(static_cast<char>(json.size() >> (8 * i) & 0xFFU));
  }
  out << json;
  cache.save(out);
  file.commit();
}

SavedChat load_chat(const std::string& path, const Model& model) {
  const std::uint64_t size = regular_file_size(path);
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) throw Failure(kRuntimeError, fmt::format("{}: cannot be read", path));
  Header header = parse_header(path, read_json_bytes(path, size, file));
  try {
    KvCache cache = KvCache::restore(model, file);
    if (file.peek() != std::char_traits<char>::eof()) {
      reject(path, "the end of a conversation", "more bytes");
    }
    return {std::move(header.messages), std::move(cache)};
  } catch (const Error& error) {
    throw Failure(kRuntimeError,
                  fmt::format("{}, saved with {}: {}", path, header.model, error.what()));
  }
}

}  // namespace gemma2::cli
