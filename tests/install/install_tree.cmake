# SPDX-License-Identifier: Apache-2.0
#
# Installs the build into a fresh PREFIX and checks that what users rely on is there.
file(REMOVE_RECURSE ${PREFIX})
execute_process(
  COMMAND ${CMAKE_COMMAND} --install ${BUILD_DIR} --config "${CONFIG}" --prefix ${PREFIX}
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
foreach(path
    include/gemma2/gemma2.h
    ${LIBDIR}/libgemma2.a
    ${LIBDIR}/libgemma2.so
    ${LIBDIR}/cmake/gemma2/gemma2Config.cmake
    ${LIBDIR}/cmake/gemma2/gemma2ConfigVersion.cmake
    ${LIBDIR}/pkgconfig/gemma2.pc
    share/doc/gemma2/LICENSE)
  if(NOT EXISTS ${PREFIX}/${path})
    message(FATAL_ERROR "install: expected ${path} under ${PREFIX}, found nothing")
  endif()
endforeach()

# Headers must stand alone: a consumer's flags are not ours.
file(GLOB headers ${PREFIX}/include/gemma2/*.h)
foreach(header IN LISTS headers)
  file(STRINGS ${header} foreign REGEX "#include <(fmt|nlohmann|xsimd|Eigen|CLI)/")
  if(foreign)
    message(FATAL_ERROR "${header}: a public header includes a third party: ${foreign}")
  endif()
endforeach()
