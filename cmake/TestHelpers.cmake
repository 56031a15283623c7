# SPDX-License-Identifier: Apache-2.0
#
# gemma2_add_test(<name> <sources...> [LAYERS <layers...>]) makes the program <name>_test with
# GoogleTest and registers its cases as "<name>.Suite.Case". It links the whole library, or only the
# layers named (ground quant tokenizer ...), so that a unit test builds without the rest. With GPU
# its cases have that label and see the machine's graphics cards; others see none, whatever there is.
# OWN_CUDA: the sources have the CUDA backend, or what stands in for it.
include(GoogleTest)

# gemma2_test_compile_options(<target>): for the files of tests. They compute little themselves, and
# what they test is compiled by its own layer, so -O1.
function(gemma2_test_compile_options target)
  gemma2_compile_options(${target})
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# gemma2_precompile_headers(<target> <how...>): reading test_headers.h takes half the time that a test
# compiles. ccache would know no file any more once the headers were precompiled anew, so with a
# compiler launcher each file reads them itself. All are to be compiled for executables: -fPIE.
function(gemma2_precompile_headers target)
  if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIE)
    target_precompile_headers(${target} ${ARGN})
  endif()
endfunction()

add_library(gemma2_test_headers OBJECT EXCLUDE_FROM_ALL
  ${PROJECT_SOURCE_DIR}/tests/support/test_headers.cc)
gemma2_test_compile_options(gemma2_test_headers)
target_link_libraries(gemma2_test_headers PRIVATE gemma2_fmt GTest::gtest GTest::gmock)
gemma2_precompile_headers(gemma2_test_headers
  PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/test_headers.h)

function(gemma2_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "GPU;OWN_CUDA" "" "LAYERS")
  add_executable(${name}_test ${arg_UNPARSED_ARGUMENTS})
  gemma2_test_compile_options(${name}_test)
  gemma2_precompile_headers(${name}_test REUSE_FROM gemma2_test_headers)
  target_include_directories(${name}_test PRIVATE
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name}_test PRIVATE
    gemma2_fmt nlohmann_json::nlohmann_json Threads::Threads GTest::gtest_main)
  if(arg_LAYERS)
    foreach(layer IN LISTS arg_LAYERS)
      target_link_libraries(${name}_test PRIVATE gemma2_${layer})
    endforeach()
    if("kernels" IN_LIST arg_LAYERS AND NOT arg_OWN_CUDA)  # make_backend() knows every device
      target_link_libraries(${name}_test PRIVATE gemma2_cuda)
      if(GEMMA2_HAS_CUDA)
        gemma2_link_cuda(${name}_test)
      endif()
    endif()
  else()
    target_link_libraries(${name}_test PRIVATE gemma2_objects)
  endif()
  set(timeout 300)
  if(CMAKE_CROSSCOMPILING)
    set(timeout 3000)  # of an emulator, whose minute of work may take long on a busy machine
  endif()
  set(cards ENVIRONMENT CUDA_VISIBLE_DEVICES=)
  if(arg_GPU)
    set(cards LABELS gpu)
  endif()
  gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT ${timeout} ${cards})
endfunction()
