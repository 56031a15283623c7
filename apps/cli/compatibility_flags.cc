// SPDX-License-Identifier: Apache-2.0
//
// The second part of THE FLAG TABLE: options that scripts written for llamafile and llama.cpp use.
// One that can be left out without changing the answer is accepted with a notice; one that can not
// is refused, unless its value is the neutral one in `fallback` (--mirostat 0, --tfs 1).
#include "options.h"

namespace gemma2::cli {
namespace {

constexpr std::string_view kGroup = "Compatibility";

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
    notice("--v2", "", "there is one server"),
    notice("--localscore", "", "there is no such benchmark; gemma2-cli bench is one"),
    notice("--cont-batching -cb --no-cont-batching", "", "requests always share steps"),
    notice("--slots", "", "/slots is always there but with --no-slots"),
    notice("--metrics", "", "/metrics is always there but with --no-metrics"),
    notice("--slot-prompt-similarity -sps", "F", "the longest common prefix is always used"),
    notice("--system-prompt-file -spf", "FILE",
           "the server has no system prompt of its own; requests bring theirs"),
    notice("--jinja", "", "Gemma 2 has one chat template, and it is used"),
    notice("--offline", "", "this program opens no network connection"),

    refused("--load-in-8bit", "", "make a file of 8 bits once: gemma2-cli quantize IN OUT --type q8_0"),
    refused("--load-in-4bit", "",
            "there are no 4-bit weights; gemma2-cli quantize IN OUT --type q6_k is the smallest"),
    refused("--dtype", "TYPE", "weights are used as stored; gemma2-cli quantize rewrites them"),
    refused("--preset", "NAME", "choose a file instead; --precise is the most exact arithmetic"),
    refused("--path --www-root", "DIR", "no file is served; the chat page is in the program"),
    refused("--slot-save-path", "DIR", "no endpoint touches the file system"),
    refused("--ssl-key-file", "FILE", "put nginx or HAProxy in front for TLS"),
    refused("--ssl-cert-file", "FILE", "put nginx or HAProxy in front for TLS"),
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
