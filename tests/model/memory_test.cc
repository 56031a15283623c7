// SPDX-License-Identifier: Apache-2.0
//
// Too little memory is said before anything is filled, with what is wanted and what takes less. The
// limit is a real one, on the address space of this process.
#include <cstdint>
#include <fstream>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "model/model_fixture.h"

namespace gemma2 {
namespace {

using test::expect_error;

constexpr std::size_t kMiB = 1 << 20;

/// Leaves this process `bytes` of address space more than it has now.
class LittleRoom {
 public:
  explicit LittleRoom(std::size_t bytes) {
    getrlimit(RLIMIT_AS, &before_);
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit little = before_;
    little.rlim_cur = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + bytes;
    rlimit now = {};
    holds_ = setrlimit(RLIMIT_AS, &little) == 0 && getrlimit(RLIMIT_AS, &now) == 0 &&
             now.rlim_cur == little.rlim_cur;
  }
  LittleRoom(const LittleRoom&) = delete;
  LittleRoom& operator=(const LittleRoom&) = delete;
  ~LittleRoom() { setrlimit(RLIMIT_AS, &before_); }

  [[nodiscard]] bool holds() const { return holds_; }  // emulators ignore it

 private:
  rlimit before_ = {};
  bool holds_ = false;
};

/// 51 MB in F32, 10 MB in Q6_K.
std::vector<std::byte> large_file(DType type) {
  test::TinyModel tiny = test::kTinyBlocks;
  tiny.ffn = 8192;
  tiny.type = type;
  return tiny_gguf(tiny);
}

TEST(Memory, WeightsThatDoNotFitAreRefusedWithWhatTheyNeed) {
  const std::vector<std::byte> floats = large_file(DType::f32);
  const LittleRoom room(32 * kMiB);
  if (!room.holds()) GTEST_SKIP() << "no limit on the address space here";
  expect_error(ErrorCode::out_of_memory, "for the weights, found ",
               [&] { (void)Model::from_bytes(floats); });
  expect_error(ErrorCode::out_of_memory,
               " short; quantized to a smaller type (q8_0, q6_k) they take less",
               [&] { (void)Model::from_bytes(floats); });
}

TEST(Memory, NoSmallerTypeIsAdvisedThanThereIs) {
  const std::vector<std::byte> smallest = large_file(DType::q6_k);
  const LittleRoom room(6 * kMiB);
  if (!room.holds()) GTEST_SKIP() << "no limit on the address space here";
  expect_error(ErrorCode::out_of_memory, " short; a smaller model takes less",
               [&] { (void)Model::from_bytes(smallest); });
}

TEST(Memory, CachesThatDoNotFitAreRefusedWithWhatTheyNeed) {
  const Model model = test::load_tiny({.layers = 4, .kv_heads = 4, .head_dim = 64});
  const KvCacheOptions large{.context_length = 131072, .type = CacheType::f32};  // 1.07 GB
  const LittleRoom room(400 * kMiB);
  if (!room.holds()) GTEST_SKIP() << "no limit on the address space here";
  expect_error(
      ErrorCode::out_of_memory,
      "memory: expected 1.07 GB for the keys and values of 131072 positions in f32, found ",
      [&] { const KvCache cache(model, large); });
  expect_error(ErrorCode::out_of_memory,
               " short; a shorter context or int8 keys and values take less",
               [&] { const Session session(model, large); });
  const KvCacheOptions in_a_ring{
      .context_length = 131072, .local_layers = LocalLayers::ring, .type = CacheType::int8};
  EXPECT_NO_THROW(const KvCache cache(model, in_a_ring));  // 0.14 GB, and given back
  expect_error(ErrorCode::out_of_memory, " short; a shorter context takes less", [&] {
    const KvCache cache(model, {.context_length = 131072, .type = CacheType::int8});
    const KvCache another(model, {.context_length = 131072, .type = CacheType::int8});
  });
}

}  // namespace
}  // namespace gemma2
