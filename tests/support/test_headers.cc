// SPDX-License-Identifier: Apache-2.0
//
// The target whose precompiled headers the tests share must have a file; this is it.
