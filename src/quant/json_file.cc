// SPDX-License-Identifier: Apache-2.0
#include "quant/json_file.h"

#include <set>
#include <vector>

#include "check.h"
#include "mapped_file.h"
#include "quant/byte_reader.h"
#include "quant/printable.h"

namespace gemma2 {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 64;

/// Sees the parser's events: the library itself lets the last of several equal keys win.
class Guard {
 public:
  bool operator()(int /*depth*/, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        require(keys_.size() < kMaxDepth, ErrorCode::malformed_file,
                "JSON: expected at most {} levels, found more", kMaxDepth);
        keys_.emplace_back();
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        keys_.pop_back();
        break;
      case json::parse_event_t::key: {
        const auto& key = parsed.get_ref<const std::string&>();
        require(keys_.back().insert(key).second, ErrorCode::malformed_file,
                "JSON key '{}': expected once, found twice", printable(key));
        break;
      }
      case json::parse_event_t::value:
        break;
    }
    return true;
  }

 private:
  std::vector<std::set<std::string>> keys_;  // seen, of each open object
};

}  // namespace

std::string json_complaint(const json::exception& error) {
  const std::string_view text =
      error.what();  // "[json.exception.parse_error.101] parse error at .."
  const std::size_t end = text.find("] ");
  return printable(end == std::string_view::npos ? text : text.substr(end + 2), 200);
}

json parse_json(std::string_view text) {
  try {
    Guard guard;
    return json::parse(text.begin(), text.end(), [&](int depth, auto event, json& parsed) {
      return guard(depth, event, parsed);
    });
  } catch (const json::exception& error) {
    fail(ErrorCode::malformed_file, "expected JSON, found: {}", json_complaint(error));
  }
}

json read_json_file(const std::filesystem::path& path, std::size_t longest) {
  const MappedFile file(path);
  return with_context(path.string(), [&] {
    require(file.bytes().size() <= longest, ErrorCode::malformed_file,
            "expected at most {} bytes of JSON, found {}", longest, file.bytes().size());
    return parse_json(as_text(file.bytes()));
  });
}

}  // namespace gemma2
