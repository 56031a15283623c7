# SPDX-License-Identifier: Apache-2.0
#
# Everything comes from the system (Debian 12 has all of it); nothing is downloaded. All of them are
# used header-only, so an installed libgemma2 needs none.
find_package(Threads REQUIRED)
if(CMAKE_CROSSCOMPILING)
  include(CrossDependencies)
else()
  find_package(fmt 9 REQUIRED)
  find_package(nlohmann_json 3.11 REQUIRED)
  find_package(xsimd 8.1 REQUIRED)
  if(GEMMA2_BUILD_APPS OR GEMMA2_BUILD_BENCH)
    find_package(CLI11 2.1 REQUIRED)
  endif()
  if(GEMMA2_BUILD_TESTS)
    find_package(Eigen3 3.4 REQUIRED NO_MODULE)
    find_package(GTest 1.12 REQUIRED)
  endif()
endif()
# Compiled into each file that uses it, fmt costs nothing to those who link us but a third of our own
# build (under sanitizers three quarters), so builds that nobody installs link libfmt instead.
option(GEMMA2_FMT_HEADER_ONLY "Compile fmt in rather than linking libfmt" ON)
add_library(gemma2_fmt INTERFACE)
if(GEMMA2_FMT_HEADER_ONLY)
  target_link_libraries(gemma2_fmt INTERFACE fmt::fmt-header-only)
else()
  target_link_libraries(gemma2_fmt INTERFACE fmt::fmt)
endif()
if(GEMMA2_BUILD_BENCH)
  find_package(benchmark 1.7 REQUIRED)
endif()
