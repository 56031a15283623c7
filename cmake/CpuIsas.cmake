# SPDX-License-Identifier: Apache-2.0

# gcc 12 initialises variables with themselves in its own AVX-512 headers, and warns about it.
set(GEMMA2_INTRINSIC_WARNINGS
  $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)

# gemma2_add_isa(<level> [FOLDER <folder>] [FLAGS <flags...>] FILES <names...>) compiles
# src/kernels/cpu/<folder>/<name>.cc with the level's own flags and appends every file to the lists
# that dispatch.cc walks, worst level first. Adding an ISA is one call; deleting the call and its
# folder leaves a working library.
function(gemma2_add_isa level)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "FOLDER" "FLAGS;FILES")
  if(NOT arg_FOLDER)
    set(arg_FOLDER ${level})
  endif()
  set(sources ${arg_FILES})
  list(TRANSFORM sources REPLACE "(.+)" "${PROJECT_SOURCE_DIR}/src/kernels/cpu/${arg_FOLDER}/\\1.cc")
  gemma2_add_layer(isa_${level} SOURCES ${sources})
  # Its headers alone: the target may want libraries linked that nothing here uses.
  target_include_directories(gemma2_isa_${level} SYSTEM PRIVATE
    $<TARGET_PROPERTY:xsimd,INTERFACE_INCLUDE_DIRECTORIES>)
  # -O1 in debug builds: at -O0 inline functions stay out of line, and the linker may keep the
  # AVX-512 copy of one for everybody.
  target_compile_options(gemma2_isa_${level} PRIVATE
    ${arg_FLAGS} ${GEMMA2_INTRINSIC_WARNINGS} $<$<CONFIG:Debug>:-O1>)
  set_property(GLOBAL APPEND PROPERTY GEMMA2_ISA_LEVELS ${level})
  set_property(GLOBAL APPEND PROPERTY GEMMA2_ISA_LEVELS_OF_${arg_FOLDER} ${level})
  set_property(GLOBAL PROPERTY GEMMA2_ISA_FILES_OF_${level} ${arg_FILES})
endfunction()

# gemma2_write_kernel_list(<folder> <levels...>) writes kernels/cpu/kernel_list.h of these levels, in
# their order, into an include folder of the build tree.
function(gemma2_write_kernel_list folder)
  set(entries "")
  foreach(level IN LISTS ARGN)
    get_property(files GLOBAL PROPERTY GEMMA2_ISA_FILES_OF_${level})
    list(TRANSFORM files REPLACE "(.+)" "X(${level}, \\1)")
    list(APPEND entries ${files})
  endforeach()
  string(JOIN " " body ${entries})
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/${folder}/kernels/cpu/kernel_list.h
    CONTENT "#pragma once\n#define GEMMA2_FOR_EACH_KERNEL_FILE(X) @body@\n" @ONLY)
endfunction()
