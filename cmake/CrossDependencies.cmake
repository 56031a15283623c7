# SPDX-License-Identifier: Apache-2.0
#
# What Dependencies.cmake finds, for a cross build: Debian has header-only libraries for the build
# machine alone, in a folder that also holds that machine's C library. So their folders are linked
# into the build tree, which is then the only place the compiler looks in. GoogleTest is compiled
# from its sources (package googletest).
set(gemma2_host_include /usr/include CACHE PATH "Where the header-only libraries are")
mark_as_advanced(gemma2_host_include)

# gemma2_import_headers(<target> <file>): an imported target for the headers of <file>'s folder.
function(gemma2_import_headers target file)
  set(from ${gemma2_host_include}/${file})
  if(NOT EXISTS ${from})
    message(FATAL_ERROR "${target}: expected its headers at ${from}, found nothing")
  endif()
  cmake_path(GET from PARENT_PATH folder)
  cmake_path(GET folder FILENAME name)
  set(include ${PROJECT_BINARY_DIR}/host-headers/${name})
  file(MAKE_DIRECTORY ${include})
  file(CREATE_LINK ${folder} ${include}/${name} SYMBOLIC)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} SYSTEM INTERFACE ${include})
endfunction()

gemma2_import_headers(fmt::fmt fmt/core.h)
set(fmt_VERSION 9)
gemma2_import_headers(nlohmann_json::nlohmann_json nlohmann/json.hpp)
gemma2_import_headers(xsimd xsimd/xsimd.hpp)
if(GEMMA2_BUILD_APPS OR GEMMA2_BUILD_BENCH)
  gemma2_import_headers(CLI11::CLI11 CLI/CLI.hpp)
endif()
if(GEMMA2_BUILD_APPS)
  gemma2_import_headers(Boost::headers boost/version.hpp)
endif()
if(GEMMA2_BUILD_TESTS)
  gemma2_import_headers(Eigen3::Eigen eigen3/Eigen/Dense)
  set(googletest /usr/src/googletest CACHE PATH "GoogleTest's sources")
  set(INSTALL_GTEST OFF)
  add_subdirectory(${googletest} ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
endif()
