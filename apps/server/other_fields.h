// SPDX-License-Identifier: Apache-2.0
//
// Fields of requests that their parser did not ask for: what they would ask of the model decides.
#pragma once

#include "fields.h"

namespace gemma2::server {

/// Throws ApiError::unsupported for a field that is known and would change the answer, unless its
/// value is the one that changes nothing, and, if `strict`, ApiError::invalid for one that nobody
/// knows.
void check_other_fields(const Fields& fields, bool strict);

}  // namespace gemma2::server
