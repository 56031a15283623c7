# SPDX-License-Identifier: Apache-2.0
#
# GEMMA2_CUDA=ON|OFF|AUTO: whether the library gets its CUDA backend. Sets GEMMA2_HAS_CUDA, enables the
# language and finds the toolkit. AUTO takes a toolkit if there is one; the sanitizers, libFuzzer and
# a cross compiler know nothing of such code, so there AUTO means OFF. What is compiled either way
# is decided by file in src/kernels: no source asks.
#
# Machine code is made for CMAKE_CUDA_ARCHITECTURES, which -D or CUDAARCHS set as usual.
set(GEMMA2_CUDA AUTO CACHE STRING "Build the CUDA backend: ON, OFF, or AUTO (if a toolkit is found)")
set_property(CACHE GEMMA2_CUDA PROPERTY STRINGS AUTO ON OFF)
set(GEMMA2_HAS_CUDA OFF)
set(gemma2_cuda_least 12.0)  # the first nvcc with C++20 and sm_90a

if(NOT GEMMA2_CUDA MATCHES "^(ON|OFF|AUTO|TRUE|FALSE|YES|NO|1|0)$")
  message(FATAL_ERROR "GEMMA2_CUDA: expected ON, OFF or AUTO, found '${GEMMA2_CUDA}'")
endif()
if(GEMMA2_CUDA STREQUAL "AUTO")
  if(GEMMA2_SANITIZE OR GEMMA2_BUILD_FUZZERS OR CMAKE_CROSSCOMPILING)
    return()
  endif()
elseif(NOT GEMMA2_CUDA)
  return()
endif()

# gemma2_find_nvcc(<nvcc> <version> <problem>): the one that was named, that of PATH, or the newest
# under /usr/local, and its version; or what is wrong with it.
function(gemma2_find_nvcc out_nvcc out_version out_problem)
  file(GLOB places LIST_DIRECTORIES ON /usr/local/cuda-*)
  list(SORT places COMPARE NATURAL ORDER DESCENDING)
  list(TRANSFORM places APPEND /bin)
  set(named ${CMAKE_CUDA_COMPILER} $ENV{CUDACXX})
  if(named)
    list(GET named 0 named)
    find_program(gemma2_nvcc NAMES ${named} NO_CACHE)
  else()
    find_program(gemma2_nvcc NAMES nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATH_SUFFIXES bin NO_CACHE)
    find_program(gemma2_nvcc NAMES nvcc PATHS /usr/local/cuda/bin ${places} NO_CACHE)
  endif()
  set(${out_nvcc} ${gemma2_nvcc} PARENT_SCOPE)
  set(${out_problem} "" PARENT_SCOPE)
  if(NOT gemma2_nvcc)
    set(where "PATH, CUDACXX or /usr/local/cuda*")
    if(named)
      set(where "'${named}'")
    endif()
    set(${out_problem} "expected nvcc ${gemma2_cuda_least} or newer, found none in ${where}" PARENT_SCOPE)
    return()
  endif()
  execute_process(COMMAND ${gemma2_nvcc} --version OUTPUT_VARIABLE text ERROR_QUIET)
  string(REGEX MATCH "release ([0-9]+\\.[0-9]+)" found "${text}")
  set(version "${CMAKE_MATCH_1}")
  set(${out_version} "${version}" PARENT_SCOPE)
  if(NOT found OR version VERSION_LESS gemma2_cuda_least)
    set(${out_problem} "expected nvcc ${gemma2_cuda_least} or newer, found ${gemma2_nvcc} of version \
'${version}'" PARENT_SCOPE)
  endif()
endfunction()

gemma2_find_nvcc(gemma2_nvcc gemma2_nvcc_version gemma2_problem)
if(gemma2_problem)
  if(NOT GEMMA2_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "GEMMA2_CUDA=${GEMMA2_CUDA}: ${gemma2_problem}")
  endif()
  message(STATUS "CUDA: ${gemma2_problem}; building without it")
  return()
endif()

# PTX of both kinds of Blackwell: code for 12.0 does not run on 10.0, and that of 9.0 does.
if(NOT CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
  set(gemma2_architectures 75-real 80-real 86-real 89-real 90a-real 90-virtual)
  if(gemma2_nvcc_version VERSION_GREATER_EQUAL 12.8)
    list(APPEND gemma2_architectures 120-real 120-virtual)
  endif()
  set(CMAKE_CUDA_ARCHITECTURES "${gemma2_architectures}" CACHE STRING "What machine code is made for")
endif()
set(CMAKE_CUDA_COMPILER ${gemma2_nvcc} CACHE FILEPATH "The CUDA compiler")
if(NOT DEFINED CMAKE_CUDA_HOST_COMPILER AND NOT DEFINED ENV{CUDAHOSTCXX}
    AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER} CACHE FILEPATH "What nvcc gives C++ to")
endif()
enable_language(CUDA)
find_package(CUDAToolkit ${gemma2_cuda_least} REQUIRED)
set(GEMMA2_HAS_CUDA ON)
message(STATUS "CUDA: ${gemma2_nvcc} ${gemma2_nvcc_version} for ${CMAKE_CUDA_ARCHITECTURES}")

# gemma2_add_cuda_kernels(<name> [ARCHITECTURES <list...>] SOURCES <files...>): kernels as a static
# library. cmake/with_ptxas_log keeps what ptxas says of them beside each object, for the test
# cuda.resources.
function(gemma2_add_cuda_kernels name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "ARCHITECTURES;SOURCES")
  add_library(gemma2_${name} STATIC ${arg_SOURCES})
  if(arg_ARCHITECTURES)
    set_target_properties(gemma2_${name} PROPERTIES CUDA_ARCHITECTURES "${arg_ARCHITECTURES}")
  endif()
  set(launcher ${CMAKE_CUDA_COMPILER_LAUNCHER})
  if(NOT launcher)
    set(launcher ${CMAKE_CXX_COMPILER_LAUNCHER})
  endif()
  set_target_properties(gemma2_${name} PROPERTIES
    CUDA_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON
    CUDA_COMPILER_LAUNCHER "${PROJECT_SOURCE_DIR}/cmake/with_ptxas_log;${launcher}")
  target_include_directories(gemma2_${name} PRIVATE
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  # -std: CMake 3.25 has no CUDA_STANDARD 20.
  # -fmad=false, -ffp-contract=off: every FMA is written out, as on the CPU.
  target_compile_options(gemma2_${name} PRIVATE
    -std=c++20 --expt-relaxed-constexpr -fmad=false -Xptxas=-v
    -Xcompiler=-ffp-contract=off,-Wall,-Wextra
    $<$<BOOL:${GEMMA2_WERROR}>:-Werror=all-warnings>)
  set_property(GLOBAL APPEND PROPERTY GEMMA2_CUDA_KERNELS gemma2_${name})
endfunction()

# gemma2_link_cuda(<library>): gives a library that holds the CUDA layer its kernels and the CUDA
# runtime, which is linked statically and finds the driver, if there is one, when the program runs.
# The kernels come as one object that ld made of theirs (src/kernels/cuda/CMakeLists.txt), because
# whoever links a target with CUDA sources must have enabled that language, too.
function(gemma2_link_cuda library)
  get_property(object GLOBAL PROPERTY GEMMA2_CUDA_OBJECT)
  target_sources(${library} PRIVATE ${object})
  set_source_files_properties(${object} PROPERTIES GENERATED ON EXTERNAL_OBJECT ON)
  add_dependencies(${library} gemma2_cuda_object)
  target_link_libraries(${library} PRIVATE CUDA::cudart_static)
endfunction()
