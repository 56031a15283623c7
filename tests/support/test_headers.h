// SPDX-License-Identifier: Apache-2.0
//
// What most tests include and what takes long to read, for cmake/TestHelpers.cmake to precompile.
// No file includes it: each names what it uses, and a build with a compiler launcher, or the preset
// tsan, sees whether it does.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
