# SPDX-License-Identifier: Apache-2.0
#
# gemma2_compile_options(<target>): the language, warnings and sanitizers all our code is built with.
function(gemma2_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
  # -ffp-contract=off: 64-bit ARM has FMA in its baseline and x86-64 has not, kernels write out every
  # FMA by hand, and all compute the same bits: a seed means the same tokens.
  # -Wrestrict: gcc 12 sees overlapping copies in every "literal" + std::string (gcc bug 105651).
  target_compile_options(${target} PRIVATE
    -ffp-contract=off
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion $<$<BOOL:${GEMMA2_WERROR}>:-Werror>
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
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
    gemma2_fmt nlohmann_json::nlohmann_json Threads::Threads)
  set_property(GLOBAL APPEND PROPERTY GEMMA2_LAYERS gemma2_${name})
endfunction()

# gemma2_add_library(<name> [STATIC|SHARED]): every layer as one library file named libgemma2; of the
# kind that BUILD_SHARED_LIBS asks for unless one is given. The objects are position-independent,
# so a second kind costs one link.
function(gemma2_add_library name)
  get_property(objects GLOBAL PROPERTY GEMMA2_LAYERS)
  list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
  add_library(${name} ${ARGN} ${objects})
  set_target_properties(${name} PROPERTIES
    OUTPUT_NAME gemma2 EXPORT_NAME gemma2 LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${name} PRIVATE Threads::Threads $<BUILD_INTERFACE:gemma2_fmt>)
  if(GEMMA2_SANITIZE)
    target_link_options(${name} PUBLIC -fsanitize=${GEMMA2_SANITIZE})
  endif()
  if(GEMMA2_HAS_CUDA)
    gemma2_link_cuda(${name})
  endif()
  get_target_property(kind ${name} TYPE)
  if(kind STREQUAL "SHARED_LIBRARY")
    set(map ${PROJECT_SOURCE_DIR}/cmake/exported_symbols.map)
    target_link_options(${name} PRIVATE -Wl,--version-script=${map} -Wl,--no-undefined)
    set_target_properties(${name} PROPERTIES LINK_DEPENDS ${map})
  endif()
endfunction()
