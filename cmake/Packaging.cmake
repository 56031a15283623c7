# SPDX-License-Identifier: Apache-2.0
#
# cmake --install: headers, libgemma2 as a static and as a shared library, what find_package and
# pkg-config need, and the licence; apps/cli installs the program. cpack makes a .deb and a .tar.gz.
if(GEMMA2_SANITIZE)
  return()  # instrumented libraries are not for installing
endif()
include(CMakePackageConfigHelpers)

if(BUILD_SHARED_LIBS)
  gemma2_add_library(gemma2_other_kind STATIC)
  set(gemma2_static gemma2_other_kind)
  set(gemma2_shared gemma2)
else()
  gemma2_add_library(gemma2_other_kind SHARED)
  set(gemma2_static gemma2)
  set(gemma2_shared gemma2_other_kind)
endif()

set(gemma2_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gemma2)
foreach(kind static shared)
  install(TARGETS ${gemma2_${kind}} EXPORT gemma2_${kind}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(EXPORT gemma2_${kind}
    FILE gemma2-${kind}-targets.cmake NAMESPACE gemma2:: DESTINATION ${gemma2_cmake_dir})
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/gemma2 DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(cmake/gemma2Config.cmake.in ${PROJECT_BINARY_DIR}/gemma2Config.cmake
  INSTALL_DESTINATION ${gemma2_cmake_dir} NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may change the API.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gemma2ConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gemma2Config.cmake
  ${PROJECT_BINARY_DIR}/gemma2ConfigVersion.cmake DESTINATION ${gemma2_cmake_dir})

# The paths in gemma2.pc are relative to the file itself, so an installed tree can be moved.
file(RELATIVE_PATH gemma2_pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
set(gemma2_pc_private -pthread)
if(GEMMA2_HAS_CUDA)
  set(gemma2_pc_private "-L${CUDAToolkit_LIBRARY_DIR} -lcudart_static -lrt -ldl -pthread")
endif()
configure_file(cmake/gemma2.pc.in ${PROJECT_BINARY_DIR}/gemma2.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/gemma2.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(CPACK_PACKAGE_NAME gemma2)
set(CPACK_PACKAGE_CONTACT "libgemma2 maintainers <maintainers@users.noreply.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY ${PROJECT_DESCRIPTION})
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
include(CPack)
