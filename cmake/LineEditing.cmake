# SPDX-License-Identifier: Apache-2.0
#
# gemma2_libedit: line editing for the chat, if libedit is installed; without it lines are plain.
# Its archives are preferred, so that the program, and a bundle made of it, need nothing at run time
# that a machine without development packages lacks.
find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(libedit QUIET IMPORTED_TARGET libedit)
endif()
if(NOT TARGET PkgConfig::libedit)
  message(STATUS "libedit was not found: the chat has no line editing")
  return()
endif()

add_library(gemma2_libedit INTERFACE)
set(archives "")
foreach(part edit tinfo bsd md)
  find_library(GEMMA2_LIBEDIT_${part} lib${part}.a HINTS ${libedit_LIBDIR})
  mark_as_advanced(GEMMA2_LIBEDIT_${part})
  list(APPEND archives ${GEMMA2_LIBEDIT_${part}})
endforeach()
if(archives MATCHES "NOTFOUND")
  target_link_libraries(gemma2_libedit INTERFACE PkgConfig::libedit)
else()
  target_include_directories(gemma2_libedit SYSTEM INTERFACE ${libedit_INCLUDE_DIRS})
  target_link_libraries(gemma2_libedit INTERFACE ${archives})
endif()
