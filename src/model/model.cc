// SPDX-License-Identifier: Apache-2.0
#include "gemma2/model.h"

#include <new>
#include <utility>

#include "check.h"
#include "model/engine.h"
#include "model/tokenizer_load.h"
#include "quant/checkpoint.h"

namespace gemma2 {
namespace {

Model load_checkpoint(const Checkpoint& checkpoint, const LoadOptions& options) {
  return Model(std::make_shared<Engine>(checkpoint, make_tokenizer_for(checkpoint), options));
}

template <typename Body>
auto no_bad_alloc(Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    fail(ErrorCode::out_of_memory, "memory: expected enough to load the model, found too little");
  }
}

}  // namespace

Model::Model(std::shared_ptr<Engine> engine) noexcept : engine_(std::move(engine)) {}

Model Model::load(const std::filesystem::path& checkpoint, const LoadOptions& options) {
  return no_bad_alloc([&] { return load_checkpoint(Checkpoint::open(checkpoint), options); });
}

Model Model::from_bytes(std::span<const std::byte> bytes, const LoadOptions& options) {
  return no_bad_alloc(
      [&] { return load_checkpoint(Checkpoint::from_bytes(bytes, "model in memory"), options); });
}

const ModelConfig& Model::config() const noexcept {
  return engine_->config();
}
const Tokenizer& Model::tokenizer() const noexcept {
  return engine_->tokenizer();
}
std::string_view Model::backend_name() const noexcept {
  return engine_->backend_name();
}
std::string_view Model::device_report() const noexcept {
  return engine_->device_report();
}
std::size_t Model::weight_bytes() const noexcept {
  return engine_->weights().bytes();
}
int Model::prefill_chunk() const noexcept {
  return engine_->prefill_chunk();
}
int Model::num_threads() const noexcept {
  return engine_->segments().front().backend->num_threads();
}

}  // namespace gemma2
