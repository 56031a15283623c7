# SPDX-License-Identifier: Apache-2.0
#
# Builds for 64-bit ARM with Debian's cross compiler (g++-aarch64-linux-gnu); the tests run under
# emulation (qemu-user-static). `-cpu max`: every instruction set the emulator knows, so that one
# machine tests all levels of src/kernels/cpu/neon.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -cpu max -L /usr/aarch64-linux-gnu)

# Libraries of the build machine must not be found; its packages of headers are imported one by one
# by cmake/CrossDependencies.cmake.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
