// SPDX-License-Identifier: Apache-2.0
//
// The second part of THE FLAG TABLE: options that scripts written for llamafile and llama.cpp use.
// One that can be left out without changing the answer is accepted with a notice; one that can not
// is refused, unless its value is the neutral one in `fallback` (--mirostat 0, --tfs 1).
#include "options.h"

namespace gemma2::cli {
namespace {

constexpr std::string_view kGroup = "Compatibility";

constexpr std::string_view kNoServer = "this version has no server; it is a command-line program";
constexpr std::string_view kNoNetwork =
    "this program opens no network connection; get the files with "
    "'hf download REPO --local-dir DIR' and run them with -m DIR";
constexpr std::string_view kUseChat = "use --chat for a conversation";
constexpr std::string_view kNoSampler =
    "this sampler does not exist here; use --temp, --top-k, --top-p and --min-p";
constexpr std::string_view kNoGrammar =
    "this program has no grammars of its own; use --json-schema or --json-object";
constexpr std::string_view kNoRope =
    "positions are rotated as Gemma 2 was trained; there is no scaling";

constexpr Flag notice(std::string_view names, std::string_view argument, std::string_view help) {
  return {kGroup, names, argument, "", help, kGenerate, nullptr, "", Handling::notice};
}

constexpr Flag refused(std::string_view names, std::string_view argument, std::string_view help,
                       std::string_view neutral = "") {
  return {kGroup, names, argument, neutral, help, kGenerate, nullptr, "", Handling::refused};
}

// clang-format off
constexpr Flag kFlags[] = {
    notice("--nobrowser", "", "no browser is ever opened"),
    notice("--recompile", "", "nothing is compiled at run time"),
    notice("--nocompile", "", "nothing is compiled at run time"),
    notice("--tinyblas", "", "there is one set of kernels"),
    notice("--iq", "", "nothing is compiled at run time"),
    notice("--fast", "", "the fast path is the default; --precise is the other one"),
    notice("--unsecure", "", "this version has no sandbox to switch off"),
    notice("--mlock", "", "weights are kept in memory of the program's own; they are not locked"),
    notice("--no-mmap --mmap", "", "weights are repacked while they are loaded"),
    notice("--numa", "MODE", "threads are placed by the operating system"),
    notice("--no-warmup --warmup", "", "there is no warm-up"),
    notice("--threads-batch -tb", "N", "prompts use the threads of -t"),
    notice("--keep", "N", "the context is never shifted, so the whole prompt is kept"),
    notice("--flash-attn -fa", "[on|off|auto]",
           "attention is always computed without a score matrix"),
    notice("--simple-io", "", "without a terminal, input and output are simple"),
    notice("--nologo", "", "there is no logo"),
    notice("--ascii", "", "there is no logo"),
    notice("--log-enable", "", "messages go to standard error; no log file is written"),
    notice("--log-file", "FILE", "messages go to standard error; no log file is written"),
    notice("--special -sp", "", "control tokens are never printed"),
    notice("--chat-template", "NAME", "Gemma 2 has one chat template, and it is used"),
    notice("--draft-min --draft-n-min --spec-draft-n-min", "N",
           "how many tokens are guessed follows how many guesses were right"),
    notice("--offline", "", "this program opens no network connection"),

    refused("--server", "", kNoServer),
    refused("--host", "NAME", kNoServer),
    refused("--port", "N", kNoServer),
    refused("--parallel -np", "N", kNoServer, "1"),
    refused("--embedding --embeddings", "", "embeddings are not computed in this version"),
    refused("--hf-repo -hf -hfr", "REPO", kNoNetwork),
    refused("--hf-file -hff", "FILE", kNoNetwork),
    refused("--hf-token -hft", "TOKEN", kNoNetwork),
    refused("--model-url -mu", "URL", kNoNetwork),
    refused("--interactive -i", "", kUseChat),
    refused("--interactive-first -if", "", kUseChat),
    refused("--instruct -ins", "", kUseChat),
    refused("--in-prefix", "TEXT", kUseChat),
    refused("--in-suffix", "TEXT", kUseChat),
    refused("--grammar", "TEXT", kNoGrammar),
    refused("--grammar-file", "FILE", kNoGrammar),
    refused("--tfs", "Z", kNoSampler, "1"),
    refused("--typical", "P", kNoSampler, "1"),
    refused("--mirostat", "N", kNoSampler, "0"),
    refused("--dynatemp-range", "F", kNoSampler, "0"),
    refused("--xtc-probability", "P", kNoSampler, "0"),
    refused("--dry-multiplier", "F", kNoSampler, "0"),
    refused("--top-nsigma", "F", kNoSampler, "-1"),
    refused("--samplers --sampling-seq", "LIST",
            "the order is fixed: penalties, temperature, top-k, top-p, min-p"),
    refused("--penalize-nl", "", "newlines are penalized like every other token"),
    refused("--cfg-scale", "F", "there is no guidance by a negative prompt", "1"),
    refused("--lora", "FILE", "adapters are not supported; merge them into the weights first"),
    refused("--control-vector", "FILE", "control vectors are not supported"),
    refused("--model-draft -md", "FILE",
            "this version guesses without a second model; use --speculate ngram"),
    refused("--prompt-cache", "FILE", "in a chat, /save and --load-chat keep the cache in a file"),
    refused("--override-kv", "KEY=TYPE:VALUE", "the model's constants are those of its file"),
    refused("--grp-attn-n -gan", "N", kNoRope, "1"),
    refused("--rope-scaling", "KIND", kNoRope),
    refused("--rope-freq-base", "F", kNoRope),
    refused("--rope-freq-scale", "F", kNoRope, "1"),
};
// clang-format on

}  // namespace

std::span<const Flag> compatibility_flags() {
  return kFlags;
}

}  // namespace gemma2::cli
