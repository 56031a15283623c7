// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/dispatch.h"

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "check.h"
#include "kernels/cpu/cpu_features.h"
#include "kernels/cpu/kernel_list.h"

namespace gemma2::cpu {

#define GEMMA2_DECLARE(isa, file)          \
  namespace isa {                          \
  void install_##file(KernelTable& table); \
  }
GEMMA2_FOR_EACH_KERNEL_FILE(GEMMA2_DECLARE)

namespace {

struct KernelFile {
  const char* level;
  bool available;
  void (*install)(KernelTable&);
};

std::vector<KernelFile> kernel_files() {
  const CpuFeatures cpu = detect_cpu_features();
#define GEMMA2_LIST(isa, file) KernelFile{#isa, cpu.isa, isa::install_##file},
  return {GEMMA2_FOR_EACH_KERNEL_FILE(GEMMA2_LIST)};
}

std::vector<KernelTable> build_tables() {
  std::vector<KernelTable> tables;
  KernelTable table{};
  const char* level = nullptr;
  for (const KernelFile& file : kernel_files()) {
    if (!file.available) continue;
    if (level != nullptr && level != std::string_view(file.level)) tables.push_back(table);
    level = file.level;
    file.install(table);
    table.name = level;
  }
  tables.push_back(table);
  return tables;
}

const std::vector<KernelTable>& tables() {
  static const std::vector<KernelTable> built = build_tables();
  return built;
}

}  // namespace

std::span<const KernelTable* const> supported_tables() {
  static const std::vector<const KernelTable*> pointers = [] {
    std::vector<const KernelTable*> result;
    for (const KernelTable& table : tables()) result.push_back(&table);
    return result;
  }();
  return pointers;
}

KernelTable select_table(bool portable_bits) {
  KernelTable table = tables().back();
  if (const char* wanted = std::getenv("GEMMA2_ISA"); wanted != nullptr && *wanted != '\0') {
    std::string names;
    bool found = false;
    for (const KernelTable& candidate : tables()) {
      if (candidate.name == std::string_view(wanted)) {
        table = candidate;
        found = true;
      }
      names += names.empty() ? candidate.name : std::string(", ") + candidate.name;
    }
    require(found, ErrorCode::unsupported, "GEMMA2_ISA: expected one of {}, found {}", names,
            wanted);
  }
  if (portable_bits) {
    for (FormatKernels* bf16 : {&table.format[static_cast<int>(DType::bf16)], &table.bf16_12}) {
      bf16->input = InputLayout::f32;
      bf16->matmul = bf16->matmul_f32;
    }
    table.attention_bf16 = table.attention_bf16_fma;
  }
  return table;
}

}  // namespace gemma2::cpu
