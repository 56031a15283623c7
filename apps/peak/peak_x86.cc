// SPDX-License-Identifier: Apache-2.0
//
// x86-64. __builtin_cpu_supports also asks whether the operating system saves the wide registers.
#include "peak_platform.h"

namespace gemma2::bench {
namespace {

using loops::kChains;
using loops::kIntegerChains;

bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

}  // namespace

std::vector<ComputeProbe> platform_probes() {
  constexpr Arithmetic int8 = Arithmetic::int8;
  constexpr Arithmetic fp32 = Arithmetic::fp32;
  std::vector<ComputeProbe> p;
  if (has_avx2()) {
    p.push_back({"fp32 fma ymm", "avx", fp32, kChains * 8, loops::fp32_avx2, true});
    p.push_back(
        {"int8 vpmaddubsw ymm", "avx", int8, kIntegerChains * 32, loops::int8_maddubs_ymm, true});
    p.push_back({"int8 vpmaddubsw pairs ymm", "avx", int8, kIntegerChains * 64,
                 loops::int8_maddubs_pairs_ymm, false});
    p.push_back({"int8 vpmaddubsw alone ymm", "avx", int8, kIntegerChains * 32,
                 loops::int8_maddubs_raw_ymm, false});
  }
  if (has_avx2() && __builtin_cpu_supports("avxvnni")) {
    p.push_back({"int8 vpdpbusd ymm", "vnni", int8, kChains * 32, loops::int8_vnni_ymm, true});
  }
  if (has_avx512()) {
    p.push_back({"fp32 fma zmm", "avx512", fp32, kChains * 16, loops::fp32_avx512, true});
    p.push_back(
        {"int8 vpmaddubsw zmm", "avx512", int8, kChains * 64, loops::int8_maddubs_zmm, true});
  }
  if (has_avx512() && __builtin_cpu_supports("avx512vnni")) {
    // Every table above plain avx512 takes over the products of avx512_vnni.
    p.push_back({"int8 vpdpbusd zmm", "avx512_", int8, kChains * 64, loops::int8_vnni_zmm, true});
  }
  if (has_avx512() && __builtin_cpu_supports("avx512bf16")) {
    p.push_back({"bf16 vdpbf16ps zmm", "avx512_bf16", Arithmetic::bf16, kChains * 32,
                 loops::bf16_avx512, true});
  }
  return p;
}

std::vector<loops::ReadLoop> platform_read_loops() {
  if (has_avx512()) {
    return {{loops::read_avx2_8, 8},
            {loops::read_avx512_1, 1},
            {loops::read_avx512_4, 4},
            {loops::read_avx512_8, 8},
            {loops::read_avx512_prefetched, 1}};
  }
  if (has_avx2())
    return {{loops::read_avx2_1, 1}, {loops::read_avx2_4, 4}, {loops::read_avx2_8, 8}};
  return {};
}

}  // namespace gemma2::bench
