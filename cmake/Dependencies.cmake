# SPDX-License-Identifier: Apache-2.0
#
# Everything comes from the system (Debian 12 has all of it); nothing is downloaded. The library
# compiles in what it uses of them, so an installed libgemma2 needs none.
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
  if(GEMMA2_BUILD_APPS)
    find_package(Boost 1.81 CONFIG REQUIRED)  # headers alone; 1.74 does not compile with g++ 12
    include(LineEditing)
  endif()
  if(GEMMA2_BUILD_TESTS)
    find_package(Eigen3 3.4 REQUIRED NO_MODULE)
    find_package(GTest 1.12 REQUIRED)
  endif()
endif()
if(GEMMA2_BUILD_BENCH)
  find_package(benchmark 1.7 REQUIRED)
endif()
