// SPDX-License-Identifier: Apache-2.0
#include "sections.h"

namespace gemma2::selftest {
namespace {

// The tests of tests/cuda and tests/determinism are part of this program: on the emulated card or
// on a real one, the same cases. A quick run has few of each, for compute-sanitizer and the
// emulator.
constexpr Section kSections[] = {
    {.name = "device", .seconds = 30, .is_benchmark = false, .run = check_device},
    {.name = "products",
     .seconds = 90,
     .is_benchmark = false,
     .cases = "*EveryFormat*:Geglu*:ProductShapes*",
     .quick_cases = "Format/EveryFormat.AreClose*:Geglu.IsTheSame*"},
    {.name = "rows",
     .seconds = 60,
     .is_benchmark = false,
     .cases = "CudaRowKernels*:*CudaRopeAppend*",
     .quick_cases = "CudaRowKernels.NormIn*:Shapes/CudaRopeAppend*/0:Shapes/CudaRopeAppend*/29"},
    {.name = "attention",
     .seconds = 90,
     .is_benchmark = false,
     .cases = "*CudaAttention*:AttentionShapes*",
     .quick_cases =
         "Shapes/CudaAttention.IsWithin*/64int8*:Shapes/CudaAttention.IsWithin*/256bf16*"},
    {.name = "end_to_end",
     .seconds = 90,
     .is_benchmark = false,
     .cases = "*EndToEnd*",
     .quick_cases = "Models/EndToEnd.*/*2Layers*"},
    {.name = "determinism",
     .seconds = 90,
     .is_benchmark = false,
     .cases = "*Repetition*:All/Batch*:All/Chunks*:All/History*:*Scheduler*",
     .quick_cases = "Repetition.*"},
    {.name = "limits",
     .seconds = 60,
     .is_benchmark = false,
     .cases = "CardLimits*",
     .quick_cases = "CardLimits*"},
    {.name = "card", .seconds = 45, .is_benchmark = true, .run = measure_limits},
    {.name = "9b", .seconds = 110, .is_benchmark = true, .run = measure_9b},
    {.name = "2b", .seconds = 50, .is_benchmark = true, .run = measure_2b},
    {.name = "27b", .seconds = 90, .is_benchmark = true, .run = measure_27b},
    {.name = "kernels", .seconds = 60, .is_benchmark = true, .run = measure_kernels},
};

}  // namespace

std::span<const Section> sections() {
  return kSections;
}

}  // namespace gemma2::selftest
