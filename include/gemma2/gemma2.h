// SPDX-License-Identifier: Apache-2.0
//
// libgemma2: Google's Gemma 2 on a CPU or an NVIDIA card. Include this and link gemma2::gemma2.
//
//   Model      weights, tokenizer, configuration: immutable, shared
//   Session    one conversation: a hybrid KvCache and the logits after its last token
//   step()     one pass over the weights for many sessions
//   generate() the loop: context in, text out
//   Scheduler  many such loops in shared steps: requests come and go
//   Tokenizer, encode_chat(), Sampler, quantize(), inspect()
//
// Every call reports failure by throwing gemma2::Error; the library never prints, aborts or exits.
#pragma once

#include "gemma2/chat.h"
#include "gemma2/config.h"
#include "gemma2/error.h"
#include "gemma2/generate.h"
#include "gemma2/grammar.h"
#include "gemma2/inspect.h"
#include "gemma2/kv_cache.h"
#include "gemma2/model.h"
#include "gemma2/quantize.h"
#include "gemma2/sampling.h"
#include "gemma2/scheduler.h"
#include "gemma2/session.h"
#include "gemma2/token_mask.h"
#include "gemma2/tokenizer.h"
#include "gemma2/types.h"
#include "gemma2/version.h"
