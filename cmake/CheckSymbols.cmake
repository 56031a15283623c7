# SPDX-License-Identifier: Apache-2.0
#
# What nm says of the built files. Two uses:
#   -DISA_LEVEL=<level> -DFILES=<objects> -DOTHERS=<objects>  (each list joined by |)
#     An object compiled for one instruction set may hold no weak symbol that any object outside
#     its level holds too: the linker keeps one of them for everybody, and a machine without
#     AVX-512 could be handed the AVX-512 copy.
#   -DSHARED_LIBRARY=<file>  The library exports names of gemma2:: and no internal ones.
cmake_minimum_required(VERSION 3.25)

# nm_lines(<out> <nm arguments...>): one line a symbol, semicolons and brackets made harmless.
function(nm_lines out)
  execute_process(COMMAND ${NM} ${ARGN} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "[][;]" "_" text "${text}")
  string(REPLACE "\n" ";" text "${text}")
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

# symbols(<out> <types> <files joined by |>): mangled names of the defined symbols of these types.
function(symbols out types files)
  string(REPLACE "|" ";" files "${files}")
  nm_lines(lines --defined-only --format=posix ${files})
  list(FILTER lines INCLUDE REGEX "^[^ ]+ ${types} ")
  list(TRANSFORM lines REPLACE " .*" "")
  set(${out} "${lines}" PARENT_SCOPE)
endfunction()

set(broken "")
if(ISA_LEVEL)
  symbols(mine "[WVu]" "${FILES}")
  symbols(others "[WVuTDBR]" "${OTHERS}")
  list(REMOVE_DUPLICATES mine)
  foreach(name IN LISTS mine)
    # DW.ref.__gxx_personality_v0 is a pointer, the same in every object.
    if(name IN_LIST others AND NOT name STREQUAL "DW.ref.__gxx_personality_v0")
      string(APPEND broken "\n  ${name}")
    endif()
  endforeach()
  if(broken)
    message(FATAL_ERROR "${ISA_LEVEL}: weak symbols that other objects hold, too:${broken}")
  endif()
  list(LENGTH mine count)
  message(STATUS "${ISA_LEVEL}: none of its ${count} weak symbols is held by another object")
else()
  nm_lines(lines -D --defined-only -C ${SHARED_LIBRARY})
  set(count 0)
  foreach(line IN LISTS lines)
    if(line MATCHES "^[0-9a-f]+ [A-Za-z] (.*)$")
      math(EXPR count "${count} + 1")
      set(name "${CMAKE_MATCH_1}")
      if(NOT name MATCHES "^((typeinfo|typeinfo name|vtable) for )?gemma2::"
          OR name MATCHES "^(typeinfo |vtable |name |for )*gemma2::(cpu::|cuda::|Backend|Engine|.*Impl::)")
        string(APPEND broken "\n  ${name}")
      endif()
    endif()
  endforeach()
  if(broken OR count LESS 20)
    message(FATAL_ERROR "${SHARED_LIBRARY} exports ${count} symbols, among them:${broken}")
  endif()
  message(STATUS "${count} exported symbols, all of gemma2::")
endif()
