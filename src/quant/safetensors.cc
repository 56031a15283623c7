// SPDX-License-Identifier: Apache-2.0
//
// The header is read event by event instead of into a document tree, which for a hostile header
// would take many times the header's size.
#include "quant/safetensors.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <utility>

#include "check.h"
#include "checked_math.h"
#include "quant/byte_reader.h"
#include "quant/json_file.h"
#include "quant/printable.h"

#include <nlohmann/json.hpp>

namespace gemma2 {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the reference library's limit
constexpr std::size_t kMaxTensors = 65'536;
constexpr std::size_t kMaxRank = 8;

struct Entry {
  SafeTensor tensor;
  std::array<std::uint64_t, 2> offsets = {};
  int fields = 0;  // bit 0: dtype, 1: shape, 2: data_offsets
};

/// Takes the parser's events; anything but the one shape a header may have is an Error.
class HeaderReader {
 public:
  using json = nlohmann::json;

  explicit HeaderReader(std::vector<Entry>& entries) : entries_(entries) {}

  bool null() { unexpected("null"); }
  bool boolean(bool /*value*/) { unexpected("a boolean"); }
  bool number_integer(json::number_integer_t /*value*/) { unexpected("a negative number"); }
  bool number_float(json::number_float_t /*value*/, const std::string& text) { unexpected(text); }
  bool binary(json::binary_t& /*value*/) { unexpected("binary data"); }

  bool number_unsigned(json::number_unsigned_t value) {
    if (state_ == State::shape) {
      auto& shape = entries_.back().tensor.shape;
      if (shape.size() == kMaxRank || value > (std::uint64_t{1} << 48)) unexpected("a huge shape");
      shape.push_back(static_cast<std::int64_t>(value));
    } else if (state_ == State::offsets && num_offsets_ < 2) {
      entries_.back().offsets[num_offsets_++] = value;
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool string(std::string& value) {
    if (state_ == State::tensor && key_ == "dtype") {
      entries_.back().tensor.dtype = value;
      set_field(0);
    } else if (state_ != State::metadata) {
      unexpected("a string");
    }
    return true;
  }

  bool start_object(std::size_t /*elements*/) {
    if (state_ == State::outside) {
      state_ = State::table;
    } else if (state_ == State::table && key_ == "__metadata__") {
      state_ = State::metadata;
    } else if (state_ == State::table) {
      require(entries_.size() < kMaxTensors, ErrorCode::malformed_file,
              "header: expected at most {} tensors, found more", kMaxTensors);
      entries_.emplace_back().tensor.name = key_;
      state_ = State::tensor;
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(std::string& value) {
    key_ = value;
    return true;
  }

  bool end_object() {
    if (state_ == State::tensor) {
      require(entries_.back().fields == 7, ErrorCode::malformed_file,
              "tensor '{}': expected dtype, shape and data_offsets, found not all of them",
              printable(entries_.back().tensor.name));
    }
    state_ = state_ == State::table ? State::outside : State::table;
    return true;
  }

  bool start_array(std::size_t /*elements*/) {
    if (state_ == State::tensor && key_ == "shape") {
      set_field(1);
      state_ = State::shape;
    } else if (state_ == State::tensor && key_ == "data_offsets") {
      set_field(2);
      num_offsets_ = 0;
      state_ = State::offsets;
    } else {
      unexpected("an array");
    }
    return true;
  }

  bool end_array() {
    if (state_ == State::offsets && num_offsets_ != 2) unexpected("less than two offsets");
    state_ = State::tensor;
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const json::exception& error) {
    fail(ErrorCode::malformed_file, "header: expected JSON, found: {}", json_complaint(error));
  }

 private:
  enum class State { outside, table, metadata, tensor, shape, offsets };

  [[noreturn]] void unexpected(std::string_view what) const {
    fail(ErrorCode::malformed_file,
         "header: expected an object of tensors with dtype, shape and two data_offsets, found {} "
         "at key '{}'",
         printable(what), printable(key_));
  }

  void set_field(int bit) {
    int& fields = entries_.back().fields;
    if ((fields & (1 << bit)) != 0) unexpected("a second one");
    fields |= 1 << bit;
  }

  std::vector<Entry>& entries_;
  std::string key_;  // the last one read
  State state_ = State::outside;
  std::size_t num_offsets_ = 0;
};

std::uint64_t element_size(std::string_view dtype) noexcept {
  constexpr std::pair<std::string_view, std::uint64_t> kSizes[] = {
      {"F64", 8}, {"I64", 8}, {"U64", 8},  {"F32", 4},     {"I32", 4},
      {"U32", 4}, {"F16", 2}, {"BF16", 2}, {"I16", 2},     {"U16", 2},
      {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
  for (const auto& [name, size] : kSizes) {
    if (name == dtype) return size;
  }
  return 0;
}

void check_size(const Entry& entry) {
  const SafeTensor& tensor = entry.tensor;
  const std::uint64_t size = element_size(tensor.dtype);
  require(size != 0, ErrorCode::unsupported, "tensor '{}': expected a known dtype, found '{}'",
          printable(tensor.name), printable(tensor.dtype));
  auto bytes = std::optional<std::uint64_t>(size);
  for (const std::int64_t dim : tensor.shape) {
    bytes = bytes ? checked_mul(*bytes, static_cast<std::uint64_t>(dim)) : bytes;
  }
  const auto [begin, end] = entry.offsets;
  require(bytes && begin <= end && end - begin == *bytes, ErrorCode::malformed_file,
          "tensor '{}': expected data_offsets that span {} bytes, found [{}, {}]",
          printable(tensor.name), bytes.value_or(0), begin, end);
}

/// Gives every tensor its bytes: sorted by offset, they must follow each other from 0 to the end.
void place(std::vector<Entry>& entries, std::span<const std::byte> data) {
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
  std::uint64_t expected = 0;
  for (Entry& entry : entries) {
    check_size(entry);
    const auto [begin, end] = entry.offsets;
    require(begin == expected && end <= data.size(), ErrorCode::malformed_file,
            "tensor '{}': expected its data at offset {} of {} bytes, found [{}, {}]",
            printable(entry.tensor.name), expected, data.size(), begin, end);
    entry.tensor.bytes =
        data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    expected = end;
  }
  require(expected == data.size(), ErrorCode::malformed_file,
          "data: expected {} bytes as the header says, found {}", expected, data.size());
}

void check_unique(const std::vector<Entry>& entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const Entry& entry : entries) names.push_back(entry.tensor.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    fail(ErrorCode::malformed_file, "tensor '{}': expected once, found twice", printable(*twice));
  }
}

}  // namespace

std::vector<SafeTensor> read_safetensors(std::span<const std::byte> file) {
  ByteReader reader(file);
  const std::uint64_t length = reader.read<std::uint64_t>("header length");
  require(length <= kMaxHeader, ErrorCode::malformed_file,
          "header length: expected at most {}, found {}", kMaxHeader, length);
  const std::string_view header = as_text(reader.take(length, "header"));
  std::vector<Entry> entries;
  HeaderReader events(entries);
  (void)nlohmann::json::sax_parse(header.begin(), header.end(), &events);
  check_unique(entries);
  place(entries, file.subspan(reader.position()));
  std::vector<SafeTensor> tensors;
  tensors.reserve(entries.size());
  for (Entry& entry : entries) tensors.push_back(std::move(entry.tensor));
  return tensors;
}

}  // namespace gemma2
