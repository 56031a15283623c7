// SPDX-License-Identifier: Apache-2.0
//
// A cache on disk: a header, the token ids, then the held keys and values of each layer, then a
// digest of all of it. Written and read front to back; nothing is trusted before it is checked.
#include <algorithm>
#include <array>
#include <istream>
#include <ostream>
#include <utility>
#include <vector>

#include "gemma2/kv_cache.h"

#include "check.h"
#include "model/cache_state.h"
#include "model/digest.h"

namespace gemma2 {
namespace {

constexpr std::uint64_t kMagic = 0x3230564B324D4547U;  // "GEM2KV02"

struct Header {
  std::uint64_t magic = kMagic;
  std::uint64_t fingerprint = 0;
  std::int32_t context_length = 0;
  std::int32_t local_layers = 0;
  std::int32_t type = 0;
  std::int32_t prefill_chunk = 0;
  std::int32_t position = 0;
  std::int32_t written = 0;
};

class Writer {
 public:
  explicit Writer(std::ostream& out) : out_(out) {}
  void write(std::span<const std::byte> bytes) {
    digest_.add(bytes);
    write_raw(bytes);
  }
  void finish() {
    const std::uint64_t digest = digest_.value();
    write_raw(std::as_bytes(std::span(&digest, 1)));
    out_.flush();
    require(out_.good(), ErrorCode::io, "saved cache: expected to write it all, found an error");
  }

 private:
  void write_raw(std::span<const std::byte> bytes) {
    out_.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    require(out_.good(), ErrorCode::io, "saved cache: expected to write {} bytes, found an error",
            bytes.size());
  }
  std::ostream& out_;
  Digest digest_;
};

class Reader {
 public:
  explicit Reader(std::istream& in) : in_(in) {}
  void read(std::span<std::byte> bytes) {
    read_raw(bytes);
    digest_.add(std::span<const std::byte>(bytes));
  }
  void finish() {
    std::uint64_t stored = 0;
    read_raw(std::as_writable_bytes(std::span(&stored, 1)));
    require(stored == digest_.value(), ErrorCode::malformed_file,
            "saved cache: expected digest {:016x}, found {:016x}", digest_.value(), stored);
  }

 private:
  void read_raw(std::span<std::byte> bytes) {
    in_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    require(static_cast<std::size_t>(in_.gcount()) == bytes.size(), ErrorCode::malformed_file,
            "saved cache: expected {} more bytes, found {}", bytes.size(), in_.gcount());
  }
  std::istream& in_;
  Digest digest_;
};

void check(const Header& header, Engine& engine) {
  constexpr auto kMalformed = ErrorCode::malformed_file;
  require(header.magic == kMagic, kMalformed,
          "saved cache: expected its magic number, found another kind of file");
  require(header.fingerprint == engine.fingerprint(), kMalformed,
          "saved cache: expected the model and arithmetic {:016x} ({}), found {:016x}",
          engine.fingerprint(), engine.backend_name(), header.fingerprint);
  require(header.context_length >= 1 && header.context_length <= 131072, kMalformed,
          "saved cache: expected a context length of 1 to 131072, found {}", header.context_length);
  require(header.local_layers == static_cast<int>(LocalLayers::full) ||
              header.local_layers == static_cast<int>(LocalLayers::ring),
          kMalformed, "saved cache: expected local layers 0 or 1, found {}", header.local_layers);
  require(header.type >= static_cast<int>(CacheType::f32) &&
              header.type <= static_cast<int>(CacheType::int8),
          kMalformed, "saved cache: expected type 1 (f32), 2 (bf16) or 3 (int8), found {}",
          header.type);
  require(header.prefill_chunk == engine.prefill_chunk() ||
              header.local_layers == static_cast<int>(LocalLayers::full),
          kMalformed, "saved cache: expected rings for a prefill chunk of {}, found {}",
          engine.prefill_chunk(), header.prefill_chunk);
  require(header.position >= 0 && header.position <= header.written &&
              header.written <= header.context_length,
          kMalformed, "saved cache: expected 0 <= position <= written <= {}, found {} and {}",
          header.context_length, header.position, header.written);
}

}  // namespace

void KvCache::save(std::ostream& out) const {
  const State& state = *state_;
  const Header header{.fingerprint = state.engine->fingerprint(),
                      .context_length = state.context_length,
                      .local_layers = static_cast<std::int32_t>(state.local_layers),
                      .type = static_cast<std::int32_t>(state.type),
                      .prefill_chunk = state.engine->prefill_chunk(),
                      .position = position(),
                      .written = state.written};
  Writer writer(out);
  writer.write(std::as_bytes(std::span(&header, 1)));
  writer.write(std::as_bytes(std::span(state.tokens)));
  const std::scoped_lock lock(state.engine->step_mutex());
  const auto write = [&](std::size_t layer, int first, int last, std::span<std::byte> buffer) {
    state.layers[layer].read(buffer, first, last);
    writer.write(buffer);
  };
  state.for_each_block(header.position, write);
  writer.finish();
}

KvCache KvCache::restore(const Model& model, std::istream& in) {
  Reader reader(in);
  Header header;
  reader.read(std::as_writable_bytes(std::span(&header, 1)));
  const std::shared_ptr<Engine>& engine = model.engine();
  check(header, *engine);
  KvCacheOptions options;
  options.context_length = header.context_length;
  options.local_layers = static_cast<LocalLayers>(header.local_layers);
  options.type = static_cast<CacheType>(header.type);
  auto state = std::make_unique<State>(engine, options);
  state->tokens.resize(static_cast<std::size_t>(header.position));
  state->written = header.written;
  reader.read(std::as_writable_bytes(std::span(state->tokens)));
  for (const TokenId token : state->tokens) {
    require(token >= 0 && token < engine->config().vocab_size, ErrorCode::malformed_file,
            "saved cache: expected token ids below {}, found {}", engine->config().vocab_size,
            token);
  }
  const std::scoped_lock lock(engine->step_mutex());
  const auto read = [&](std::size_t layer, int first, int last, std::span<std::byte> buffer) {
    reader.read(buffer);
    state->layers[layer].write(buffer, first, last);
  };
  state->for_each_block(header.position, read);
  reader.finish();
  return KvCache(std::move(state));
}

}  // namespace gemma2
