# SPDX-License-Identifier: Apache-2.0
#
# gemma2_compile_options(<target>): the language, warnings and sanitizers all our code is built with.
function(gemma2_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${GEMMA2_WERROR}>:-Werror>)
  if(GEMMA2_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${GEMMA2_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${GEMMA2_SANITIZE})
    target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  endif()
endfunction()

# gemma2_add_layer(<name> SOURCES <files...>): one folder of src/ as an object library. Layers are
# linked together into libgemma2; a unit test links the layers it needs.
function(gemma2_add_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES")
  add_library(gemma2_${name} OBJECT ${arg_SOURCES})
  gemma2_compile_options(gemma2_${name})
  target_include_directories(gemma2_${name} PUBLIC
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(gemma2_${name} PRIVATE
    fmt::fmt-header-only nlohmann_json::nlohmann_json Threads::Threads)
  set_property(GLOBAL APPEND PROPERTY GEMMA2_LAYERS gemma2_${name})
endfunction()
