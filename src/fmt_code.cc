// SPDX-License-Identifier: Apache-2.0
//
// fmt 9's own code, compiled once. An installed libgemma2 is to need no libfmt, and header-only fmt
// compiles these functions into each file that formats anything, which took most of our build.
// Weak, as the header-only ones are: a program may bring an fmt of its own.
#include <fmt/format.h>

#undef FMT_FUNC
#define FMT_FUNC __attribute__((weak))
#include <fmt/format-inl.h>

// What fmt's headers declare without defining it.
namespace fmt::detail {
template locale_ref::locale_ref(const std::locale&);
template std::locale locale_ref::get<std::locale>() const;
template thousands_sep_result<char> thousands_sep_impl<char>(locale_ref);
template char decimal_point_impl<char>(locale_ref);
template dragonbox::decimal_fp<float> dragonbox::to_decimal<float>(float) noexcept;
template dragonbox::decimal_fp<double> dragonbox::to_decimal<double>(double) noexcept;
}  // namespace fmt::detail
