// SPDX-License-Identifier: Apache-2.0
//
// Tensor cores by groups of four warps. A product is computed when it begins, into sums of its own;
// the accumulators are poisoned until it is waited for, and the operands must then be what they
// were. So both reading and overwriting too early show.
#include "group_products.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "emulator.h"
#include "tensor_sum.h"

namespace gemma2::emulator {
namespace {

constexpr std::uint32_t kPoison = 0xFFCBCBCBU;  // a NaN
constexpr int kSteps = 16;                      // of k
constexpr int kRows = 64;

struct ProductThread {
  float* c;
  int columns;
  std::uint64_t a;
  std::uint64_t b;
  bool transposed;
  bool accumulate;
};

GroupProducts& own_group() {
  return *block().products[static_cast<std::size_t>(thread().number / kGroupThreads)];
}

/// Where in shared memory the hardware looks for the operand's element (row, k): bits 4 to 6 of the
/// address are swizzled by bits 7 to 9.
std::uint32_t element_offset(std::uint64_t descriptor, bool transposed, int row, int k) {
  const auto field = [descriptor](int shift) {
    return static_cast<std::uint32_t>(descriptor >> shift & 0x3FFFU) << 4;
  };
  const std::uint32_t start = field(0);
  const std::uint32_t leading = field(16);
  const std::uint32_t stride = field(32);
  const auto r = static_cast<std::uint32_t>(row);
  const auto c = static_cast<std::uint32_t>(k);
  std::uint32_t address = transposed
                              ? start + r / 64 * leading + c / 8 * stride + c % 8 * 128 + r % 64 * 2
                              : start + r / 8 * stride + r % 8 * 128 + c * 2;
  address ^= address >> 3 & 0x70U;
  const std::uint32_t offset = address - kSharedWindow;
  if (address < kSharedWindow || offset + 2 > block().shared_bytes()) {
    fail_in_kernel("a product's operand lies outside of shared memory: element (" +
                   std::to_string(row) + ", " + std::to_string(k) + ") at shared offset " +
                   std::to_string(static_cast<std::int32_t>(offset)));
  }
  return offset;
}

std::vector<std::uint16_t> elements(std::uint64_t descriptor, bool transposed, int rows) {
  std::vector<std::uint16_t> all(static_cast<std::size_t>(rows * kSteps));
  for (int row = 0; row < rows; ++row) {
    for (int k = 0; k < kSteps; ++k) {
      std::memcpy(&all[static_cast<std::size_t>(row * kSteps + k)],
                  block().shared() + element_offset(descriptor, transposed, row, k),
                  sizeof(std::uint16_t));
    }
  }
  return all;
}

/// Every warp reads its own 16 rows of a and all of b, when it is ready, in units of 16 bytes.
void check_operand(std::uint64_t descriptor, bool transposed, int rows, bool per_warp) {
  constexpr int kUnit = 8;  // elements
  const int first_warp = thread().number / kGroupThreads * 4;
  for (int row = 0; row < rows; row += transposed ? kUnit : 1) {
    for (int k = 0; k < kSteps; k += transposed ? 1 : kUnit) {
      const std::size_t offset = element_offset(descriptor, transposed, row, k);
      block().races.require_fence(offset, 2 * kUnit, "a product's operand");
      for (int warp = 0; warp < 4; ++warp) {
        if (per_warp && row / 16 != warp) continue;
        const int reader = (first_warp + warp) * kWarpThreads;
        block().races.read(block().threads[static_cast<std::size_t>(reader)], offset, 2 * kUnit);
      }
    }
  }
}

Operand read_operand(std::uint64_t descriptor, bool transposed, int rows, bool per_warp) {
  const std::uint64_t swizzle = descriptor >> 62;
  if (swizzle != 1 || (descriptor >> 49 & 7U) != 0) {
    fail_in_kernel("a product's operand: expected 128-byte swizzle and base offset 0");
  }
  check_operand(descriptor, transposed, rows, per_warp);
  return {descriptor, rows, transposed, elements(descriptor, transposed, rows)};
}

/// Calls use(thread, i, row, column) for all elements of accumulators of `columns` columns.
template <typename Use>
void for_each_element(int columns, Use use) {
  for (int t = 0; t < kGroupThreads; ++t) {
    const int first_row = t / kWarpThreads * 16 + t % kWarpThreads / 4;
    for (int i = 0; i < columns / 2; ++i) {
      use(static_cast<std::size_t>(t), i, first_row + 8 * (i / 2 % 2),
          8 * (i / 4) + t % 4 * 2 + i % 2);
    }
  }
}

Accumulator& accumulator_of(GroupProducts& group, void* const* threads) {
  const auto* first = static_cast<const ProductThread*>(threads[0]);
  for (Accumulator& old : group.accumulators) {
    if (old.c[0] == first->c) return old;
  }
  if (!group.begun) fail_in_kernel("a product without products_begin before it");
  Accumulator& fresh = group.accumulators.emplace_back();
  fresh.columns = first->columns;
  fresh.sums.resize(static_cast<std::size_t>(kRows * fresh.columns));
  for (std::size_t t = 0; t < kGroupThreads; ++t) {
    fresh.c[t] = static_cast<const ProductThread*>(threads[t])->c;
  }
  for_each_element(fresh.columns, [&fresh](std::size_t t, int i, int row, int column) {
    fresh.sums[static_cast<std::size_t>(row * fresh.columns + column)] = fresh.c[t][i];
    fresh.c[t][i] = std::bit_cast<float>(kPoison);
  });
  return fresh;
}

void require_same(void* const* threads) {
  const auto* first = static_cast<const ProductThread*>(threads[0]);
  for (int t = 1; t < kGroupThreads; ++t) {
    const auto* other = static_cast<const ProductThread*>(threads[t]);
    if (other->a != first->a || other->b != first->b || other->columns != first->columns ||
        other->accumulate != first->accumulate || other->transposed != first->transposed) {
      fail_in_kernel("threads of a group disagree about a product");
    }
  }
}

void multiply_all(void* const* threads) {
  require_same(threads);
  const auto& how = *static_cast<const ProductThread*>(threads[0]);
  GroupProducts& group = own_group();
  Operand a = read_operand(how.a, false, kRows, true);
  Operand b = read_operand(how.b, how.transposed, how.columns, false);
  Accumulator& sums = accumulator_of(group, threads);
  if (!how.accumulate) std::fill(sums.sums.begin(), sums.sums.end(), 0.0F);
  sums.last_batch = group.batch;
  std::vector<double> columns(static_cast<std::size_t>(kSteps * how.columns));
  for (int n = 0; n < how.columns; ++n) {
    for (int k = 0; k < kSteps; ++k) {
      columns[static_cast<std::size_t>(k * how.columns + n)] =
          bf16_value(b.elements[static_cast<std::size_t>(n * kSteps + k)]);
    }
  }
  std::vector<double> rows(a.elements.size());
  std::transform(a.elements.begin(), a.elements.end(), rows.begin(), bf16_value);
  add_products(sums.sums.data(), rows.data(), columns.data(), kRows, how.columns,
               settings().group_sum);
  group.operands.emplace_back(group.batch, std::move(a));
  group.operands.emplace_back(group.batch, std::move(b));
}

void give_sums(const Accumulator& sums) {
  for_each_element(sums.columns, [&sums](std::size_t t, int i, int row, int column) {
    if (std::bit_cast<std::uint32_t>(sums.c[t][i]) != kPoison) {
      fail_in_kernel("an accumulator was written while products were under way");
    }
    sums.c[t][i] = sums.sums[static_cast<std::size_t>(row * sums.columns + column)];
  });
}

void wait_all(void* const* threads) {
  GroupProducts& group = own_group();
  const int pending = *static_cast<const int*>(threads[0]);
  group.done = std::max(group.done, group.batch - pending);
  std::erase_if(group.operands, [&group](const std::pair<int, Operand>& batch_operand) {
    const auto& [batch, operand] = batch_operand;
    if (batch >= group.done) return false;
    if (elements(operand.descriptor, operand.transposed, operand.rows) != operand.elements) {
      fail_in_kernel("a product's operand was overwritten while the product was under way");
    }
    return true;
  });
  std::erase_if(group.accumulators, [&group](const Accumulator& sums) {
    if (sums.last_batch >= group.done) return false;
    give_sums(sums);
    return true;
  });
  if (pending == 0 && group.accumulators.empty()) group.begun = false;
}

}  // namespace

void begin_products() {
  const InEmulator in_emulator;
  require_hopper("products_begin");
  meet_group("products_begin", nullptr, [](void* const*) { own_group().begun = true; });
}

void multiply_by_group(float* c, int columns, std::uint64_t a, std::uint64_t b, bool transposed,
                       bool accumulate) {
  const InEmulator in_emulator;
  ProductThread own{c, columns, a, b, transposed, accumulate};
  meet_group("multiply_64xN", &own, multiply_all);
}

void end_products() {
  const InEmulator in_emulator;
  require_hopper("products_end");
  meet_group("products_end", nullptr, [](void* const*) { ++own_group().batch; });
}

void wait_for_products(int pending) {
  const InEmulator in_emulator;
  require_hopper("products_wait");
  meet_group("products_wait", &pending, wait_all);
}

void change_registers(int registers) {
  const InEmulator in_emulator;
  require_hopper("take_registers, give_registers");
  meet_group("take_registers, give_registers", &registers, [](void* const*) {});
}

void fence_tensor_cores() {
  const InEmulator in_emulator;
  require_hopper("fence_for_tensor_cores");
  block().races.fence(thread());
}

}  // namespace gemma2::emulator
