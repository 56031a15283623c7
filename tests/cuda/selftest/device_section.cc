// SPDX-License-Identifier: Apache-2.0
//
// Which card it is, and whether Hopper's own kernels give the bits of those for every card.
#include <string>
#include <utility>

#include <fmt/format.h>

#include "kernels/cuda/families.h"
#include "sections.h"
#include "synthetic_model.h"
#include "this_card.h"

namespace gemma2::selftest {
namespace {

void add(Context& context, const char* check, std::string shape, bool holds, std::string detail) {
  context.report.add(Check{.section = {},
                           .check = check,
                           .shape = std::move(shape),
                           .result = holds ? Result::pass : Result::note,
                           .detail = std::move(detail)});
}

cuda::AttentionShape shape_of(const ModelConfig& config) {
  return {.num_heads = config.num_heads,
          .num_kv_heads = config.num_kv_heads,
          .head_dim = config.head_dim,
          .window = 0,
          .query_scale = config.query_scale,
          .soft_cap = config.attention_soft_cap};
}

cuda::Families families_of(const NamedConfig& of) {
  const cuda::Stream stream;
  const cudaDeviceProp card = cuda::this_card();
  return cuda::find_families(stream, cuda::limits_of_card(), card.major * 10 + card.minor,
                             shape_of(of.config));
}

void report_families(Context& context, const NamedConfig& of) {
  const cuda::Families found = families_of(of);
  const char* no = is_hopper() ? "differs: not used" : "no Hopper code or card: not used";
  add(context, "Hopper's products agree", of.name, found.products,
      found.products ? "same bits" : no);
  if (cuda::has_hopper_attention(shape_of(of.config))) {
    add(context, "Hopper's attention agrees", of.name, found.attention,
        found.attention ? "same bits" : no);
  }
}

}  // namespace

bool is_hopper() {
  const cudaDeviceProp card = cuda::this_card();
  return card.major == 9 && card.minor == 0 && cuda::has_hopper_products();
}

void ask_hopper() {
  const cuda::Families of_256 = families_of(config_2b(true));
  const cuda::Families of_128 = families_of(config_27b(true));
  cuda::hopper_families() = {of_256.products, of_256.attention && of_128.attention};
}

void check_device(Context& context) {
  const cudaDeviceProp card = cuda::this_card();
  int driver = 0;
  int runtime = 0;
  std::size_t free = 0;
  std::size_t total = 0;
  cuda::require_success(cudaDriverGetVersion(&driver), "ask for the driver");
  cuda::require_success(cudaRuntimeGetVersion(&runtime), "ask for the runtime");
  cuda::require_success(cudaMemGetInfo(&free, &total), "ask for memory");
  constexpr double kGigabyte = 1e9;
  const std::string text = fmt::format(
      "{}, sm_{}{}, {} SMs, {:.1f} GB ({:.1f} free), L2 {} MB, {} KB shared a block, driver {}.{}, "
      "runtime {}.{}",
      static_cast<const char*>(card.name), card.major, card.minor, card.multiProcessorCount,
      static_cast<double>(total) / kGigabyte, static_cast<double>(free) / kGigabyte,
      card.l2CacheSize >> 20, card.sharedMemPerBlockOptin >> 10, driver / 1000, driver % 1000 / 10,
      runtime / 1000, runtime % 1000 / 10);
  context.report.set_card(text);
  add(context, "card", fmt::format("sm_{}{}", card.major, card.minor), true, text);
  for (const NamedConfig& of :
       {config_2b(context.scale.real_shapes), config_9b(context.scale.real_shapes),
        config_27b(context.scale.real_shapes)}) {
    report_families(context, of);
  }
}

}  // namespace gemma2::selftest
