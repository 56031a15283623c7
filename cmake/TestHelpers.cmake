# SPDX-License-Identifier: Apache-2.0
#
# gemma2_add_test(<name> <sources...> [LAYERS <layers...>]) makes the program <name>_test with
# GoogleTest and registers its cases as "<name>.Suite.Case". It links the whole library, or only the
# layers named (ground quant tokenizer ...), so that a unit test builds without the rest.
include(GoogleTest)

function(gemma2_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LAYERS")
  add_executable(${name}_test ${arg_UNPARSED_ARGUMENTS})
  gemma2_compile_options(${name}_test)
  target_include_directories(${name}_test PRIVATE
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name}_test PRIVATE
    gemma2_fmt nlohmann_json::nlohmann_json Threads::Threads GTest::gtest_main)
  if(arg_LAYERS)
    foreach(layer IN LISTS arg_LAYERS)
      target_link_libraries(${name}_test PRIVATE gemma2_${layer})
    endforeach()
  else()
    target_link_libraries(${name}_test PRIVATE gemma2_objects)
  endif()
  set(timeout 300)
  if(CMAKE_CROSSCOMPILING)
    set(timeout 3000)  # of an emulator, whose minute of work may take long on a busy machine
  endif()
  gtest_discover_tests(${name}_test TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT ${timeout})
endfunction()
