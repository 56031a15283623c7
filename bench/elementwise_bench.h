// SPDX-License-Identifier: Apache-2.0
//
// The rest of a kernel table: norms, caps, GeGLU, RoPE, the activation quantizer.
#pragma once

namespace gemma2::bench {

/// Registers <entry>/<table>/<size> for every supported table; one thread, data in cache.
void register_elementwise();

}  // namespace gemma2::bench
