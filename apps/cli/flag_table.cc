// SPDX-License-Identifier: Apache-2.0
//
// The first part of THE FLAG TABLE: every option that does something outside `bench`. Names are
// those of llama.cpp and llamafile where they have one. Defaults are stated here and nowhere else
// in the manual.
#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "gemma2/error.h"
#include "gemma2/grammar.h"

#include "options.h"

namespace gemma2::cli {
namespace {

using S = Settings;
using A = Argument;

constexpr int kMaxInt = std::numeric_limits<int>::max();
constexpr int kMaxContext = 131072;
constexpr int kMaxLogprobs = 100;

/// `bench` takes several.
void set_model(S& s, const A& a) {
  s.model = a.text();
  s.bench.models.push_back(a.text());
}

void set_cache_type(S& s, const A& a) {
  const std::array types{CacheType::f32, CacheType::bf16, CacheType::int8, CacheType::int8,
                         CacheType::int8};
  const CacheType type = types[a.choice({"f32", "bf16", "int8", "q8_0", "q8"})];
  if (s.cache.type != CacheType::automatic && s.cache.type != type) {
    throw UsageError(
        fmt::format("{}: keys and values are stored in one type, found two", a.name()));
  }
  s.cache.type = type;
}

template <Mode mode>
void set_mode(S& s, const A& a) {
  if (a.boolean()) s.mode = mode;
}

/// Without a value: always.
void set_color(S& s, const A& a) {
  const std::size_t word = a.choice({"auto", "always", "never", "true", "on", "off"});
  constexpr auto kAlways = ColorMode::always;
  constexpr auto kNever = ColorMode::never;
  s.color = std::array{ColorMode::automatic, kAlways, kNever, kAlways, kAlways, kNever}[word];
}

void set_device(S& s, const A& a) {
  if (a.text() == "amd" || a.text() == "apple") {
    throw UsageError(
        fmt::format("{}: expected one of auto, disable, cpu, nvidia, found '{}'; "
                    "there are kernels for the CPU and for NVIDIA's cards alone",
                    a.name(), a.text()));
  }
  const std::size_t word = a.choice({"auto", "disable", "cpu", "nvidia"});
  s.load.device = std::array{Device::automatic, Device::cpu, Device::cpu, Device::cuda}[word];
}

void set_gpu_layers(S& s, const A& a) {
  if (a.text() == "auto" || a.text() == "all") {
    s.load.gpu_layers = a.text() == "all" ? kMaxInt : -1;
    return;
  }
  try {
    s.load.gpu_layers = static_cast<int>(a.integer(-1, kMaxInt));
  } catch (const UsageError&) {
    throw UsageError(fmt::format("{}: expected a number of layers, auto (-1) or all, found '{}'",
                                 a.name(), a.text()));
  }
}

bool is_json_object(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

void set_schema(S& s, const A& a, bool is_text) {
  std::string text = a.text();
  if (!is_text) {
    std::ifstream file(text, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(file), {});
    if (!file.is_open() || file.bad()) {
      throw UsageError(fmt::format("{}: expected a readable file, found '{}'", a.name(), a.text()));
    }
  }
  try {
    s.generate.grammar = Grammar::json_schema(text);
  } catch (const Error& error) {
    throw UsageError(fmt::format("{}: {}", a.name(), error.what()));
  }
}

DType storage_type(const A& a) {
  std::string lower = a.text();
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::array types{DType::q6_k, DType::q8_0, DType::bf16, DType::f16, DType::f32};
  return types[Argument(a.name(), lower).choice({"q6_k", "q8_0", "bf16", "f16", "f32"})];
}

static_assert(kMaxThreads == 1024, "the help of --threads says so");

// clang-format off
constexpr Flag kFlags[] = {
    {"Model", "--model -m", "PATH", "the demonstration model in the program",
     "A GGUF file (of a split one the first part), a .llamafile or zip that stores one, or a "
     "Hugging Face directory with safetensors. What it is, is decided by its bytes.",
     kGenerate | kTokenize | kInspect | kBench | kBundle, set_model, "LLAMA_ARG_MODEL"},
    {"Model", "--ctx-size -c", "N", "0: the model's own, 8192",
     "Tokens of context, up to 131072; 8k means 8192. A longer prompt is an error: nothing is "
     "dropped silently.",
     kGenerate,
     [](S& s, const A& a) { s.cache.context_length = a.size(0, kMaxContext); },
     "LLAMA_ARG_CTX_SIZE"},
    {"Model", "--kv-type --cache-type-k --cache-type-v -ctk -ctv", "f32|bf16|int8",
     "bf16; f32 with --precise",
     "How keys and values are stored. int8 takes half the memory of bf16 and changes the answers "
     "a little; q8_0 and q8 are other names for it.",
     kGenerate | kBench, set_cache_type},
    {"Model", "--local-cache", "full|ring", "full",
     "Whether sliding-window layers keep every position, or only a ring a little larger than "
     "the window. The answers are the same.",
     kGenerate,
     [](S& s, const A& a) {
       const std::size_t word = a.choice({"full", "ring"});
       s.cache.local_layers = std::array{LocalLayers::full, LocalLayers::ring}[word];
     }},
    {"Model", "--swa-full", "", "",
     "The same as --local-cache full.",
     kGenerate,
     [](S& s, const A& a) { if (a.boolean()) s.cache.local_layers = LocalLayers::full; }},
    {"Model", "--swa-ring", "", "",
     "The same as --local-cache ring.",
     kGenerate,
     [](S& s, const A& a) { if (a.boolean()) s.cache.local_layers = LocalLayers::ring; }},
    {"Model", "--precise", "", "",
     "Keep activations in float32 instead of rounding them to 8 bits for quantized weights.",
     kGenerate | kBench, [](S& s, const A& a) { s.load.precise = a.boolean(); }},
    {"Model", "--portable-bits", "", "",
     "Compute the same bits on every instruction set.",
     kGenerate | kBench, [](S& s, const A& a) { s.load.portable_bits = a.boolean(); }},
    {"Model", "--bf16-packing", "auto|plain|12bit", "auto",
     "How BF16 weights lie in memory: as they are, or without loss in 12 bits, which decodes "
     "faster. The answers are the same; auto is 12bit where that was measured to win.",
     kGenerate | kBench,
     [](S& s, const A& a) {
       const auto word = a.choice({"auto", "plain", "12bit"});
       s.load.bf16_packing =
           std::array{Bf16Packing::automatic, Bf16Packing::plain, Bf16Packing::twelve_bits}[word];
     }},
    {"Model", "--embedding-scale", "exact|bf16", "exact",
     "How the factor on the embedding is rounded: as float32 programs do, or to bfloat16 as in "
     "training.",
     kGenerate,
     [](S& s, const A& a) {
       const auto word = a.choice({"exact", "bf16"});
       s.load.embedding_scale = std::array{EmbeddingScale::exact, EmbeddingScale::bf16}[word];
     }},

    {"Mode", "--server --serve", "", "",
     "Answer over HTTP as OpenAI's interface does, with a chat page at /.",
     kGenerate, set_mode<Mode::server>},
    {"Mode", "--embedding --embeddings", "", "",
     "Print the mean of the last hidden states, of length 1, of each line of the prompt. Gemma 2 "
     "was not trained to give embeddings.",
     kGenerate, set_mode<Mode::embedding>},
    {"Mode", "--cli -no-cnv --no-conversation", "", "with -p or -f",
     "Continue the prompt as raw text.",
     kGenerate, set_mode<Mode::completion>},
    {"Mode", "--chat -cnv --conversation", "", "on a terminal without -p and -f",
     "Converse: one line, one turn; \"\"\" opens and ends a turn of several, and so does a backslash "
     "at the end of a line. -p is the system prompt. /help lists the commands.",
     kGenerate, set_mode<Mode::chat>},
    {"Mode", "--single-turn -st --chat-once", "", "",
     "Put the prompt through the chat template and print the answer alone.",
     kGenerate, set_mode<Mode::single_turn>},

    {"Prompt", "--prompt -p", "TEXT", "",
     "The text to continue, to answer (-st) or to instruct with (--chat).",
     kGenerate | kTokenize, [](S& s, const A& a) { s.prompt = a.text(); }},
    {"Prompt", "--file -f", "FILE", "standard input if it is not a terminal",
     "Read the prompt from a file; '-' is standard input. One newline at its end is dropped.",
     kGenerate | kTokenize, [](S& s, const A& a) { s.prompt_file = a.text(); }},
    {"Prompt", "--system-prompt -sys --system", "TEXT", "",
     "Instructions put before the first user turn of a chat.",
     kGenerate, [](S& s, const A& a) { s.system_prompt = a.text(); }},
    {"Prompt", "--escape -e", "", "",
     "Read \\n \\t \\r \\\\ \\\" \\' \\xHH in -p, -sys and --stop.",
     kGenerate | kTokenize, [](S& s, const A& a) { s.unescape = a.boolean(); }},
    {"Prompt", "--parse-special", "", "",
     "Let <start_of_turn>, <bos> and their kind in raw text become control tokens. In tokenize, "
     "as in spm_encode, <pad>, <eos>, <bos> and <unk> stay text.",
     kGenerate | kTokenize, [](S& s, const A& a) { s.parse_special = a.boolean(); }},
    {"Prompt", "--system-role", "fold|error", "fold",
     "Gemma 2 has no system role: fold the system prompt into the first user turn, or refuse "
     "it.",
     kGenerate, [](S& s, const A& a) { s.reject_system = a.choice({"fold", "error"}) == 1; }},
    {"Prompt", "--strict-roles", "", "",
     "Refuse two turns of one role in a row instead of joining them.",
     kGenerate, [](S& s, const A& a) { s.strict_roles = a.boolean(); }},

    {"Chat", "--load-chat", "FILE", "",
     "Go on with a conversation that /save wrote.",
     kGenerate, [](S& s, const A& a) { s.load_chat = a.text(); }},
    {"Chat", "--multiline-input -mli", "", "",
     "A turn goes on until a line ends with a backslash, instead of ending with its line.",
     kGenerate, [](S& s, const A& a) { s.multiline_input = a.boolean(); }},
    {"Chat", "--no-history", "", "",
     "Neither read nor write the lines typed before, which are kept in "
     "${XDG_STATE_HOME:-~/.local/state}/gemma2/history for the arrow keys and Ctrl-R.",
     kGenerate, [](S& s, const A& a) { s.keep_history = !a.boolean(); }},

    {"Generation", "--n-predict -n --predict --max-new-tokens", "N", "-1",
     "At most this many tokens; -1 or -2: until the model stops or the context is full.",
     kGenerate,
     [](S& s, const A& a) {
       const auto count = static_cast<int>(a.integer(-2, kMaxInt));
       s.generate.max_tokens = std::max(count, -1);
     }, "LLAMA_ARG_N_PREDICT"},
    {"Generation", "--stop -r --reverse-prompt", "TEXT", "",
     "End where this text appears; it is not printed. May be given several times.",
     kGenerate,
     [](S& s, const A& a) {
       if (a.text().empty()) throw UsageError(a.name() + ": expected a text that is not empty");
       s.generate.stop.push_back(a.text());
     }},
    {"Generation", "--ignore-eos", "", "",
     "Go on past <eos> and <end_of_turn>.",
     kGenerate, [](S& s, const A& a) { s.generate.ignore_end = a.boolean(); }},

    {"Sampling", "--temp --temperature", "T", "0.8; 0 in --chat and --single-turn",
     "0: always the likeliest token. Up to 100.",
     kGenerate, [](S& s, const A& a) { s.temperature = a.number(0, 100); }},
    {"Sampling", "--top-k", "N", "40",
     "Keep the N likeliest tokens; 0: all.",
     kGenerate,
     [](S& s, const A& a) { s.generate.sampling.top_k = static_cast<int>(a.integer(0, kMaxInt)); }},
    {"Sampling", "--top-p", "P", "0.95",
     "Keep the smallest set of tokens with this much probability.",
     kGenerate, [](S& s, const A& a) { s.generate.sampling.top_p = a.positive(1); }},
    {"Sampling", "--min-p", "P", "0.05",
     "Drop tokens less likely than this share of the likeliest.",
     kGenerate, [](S& s, const A& a) { s.generate.sampling.min_p = a.number(0, 1); }},
    {"Sampling", "--seed -s", "N", "-1: random",
     "Start of the random numbers; the one used is reported, and gives the same answer again.",
     kGenerate,
     [](S& s, const A& a) {
       const std::int64_t seed = a.integer(-1, std::numeric_limits<std::int64_t>::max());
       s.seed.reset();
       if (seed >= 0) s.seed = static_cast<std::uint64_t>(seed);
     }},
    {"Sampling", "--repeat-penalty --repetition-penalty", "F", "1",
     "Divide the logits of tokens seen lately by this; up to 100.",
     kGenerate, [](S& s, const A& a) { s.generate.sampling.repetition_penalty = a.positive(100); }},
    {"Sampling", "--repeat-last-n", "N", "64",
     "Tokens that the penalties look back on; -1: all, 0: none.",
     kGenerate,
     [](S& s, const A& a) {
       s.generate.sampling.penalty_window = static_cast<int>(a.integer(-1, kMaxInt));
     }},
    {"Sampling", "--presence-penalty", "F", "0",
     "Subtract this from the logits of tokens seen; -2 to 2.",
     kGenerate, [](S& s, const A& a) { s.generate.sampling.presence_penalty = a.number(-2, 2); }},
    {"Sampling", "--frequency-penalty", "F", "0",
     "Subtract this for each time a token was seen; -2 to 2.",
     kGenerate, [](S& s, const A& a) { s.generate.sampling.frequency_penalty = a.number(-2, 2); }},
    {"Sampling", "--logit-bias -l", "ID(+/-)B", "",
     "Add to one token's logit: 15043+1, 15043-1; 15043-inf bans it. May be given several "
     "times.",
     kGenerate, [](S& s, const A& a) { s.generate.sampling.logit_bias.push_back(a.logit_bias()); }},

    {"Generation", "--json-schema -j", "SCHEMA", "",
     "Answer with JSON that satisfies this JSON Schema: the text itself, or a file's path. "
     "Keywords that are not supported are errors.",
     kGenerate, [](S& s, const A& a) { set_schema(s, a, is_json_object(a.text())); }},
    {"Generation", "--json-schema-file -jf", "FILE", "",
     "The same with the schema in a file.",
     kGenerate, [](S& s, const A& a) { set_schema(s, a, false); }},
    {"Generation", "--json-object", "", "",
     "Answer with any JSON object.",
     kGenerate,
     [](S& s, const A& a) {
       if (a.boolean()) s.generate.grammar = Grammar::json_object();
     }},

    {"Output", "--json", "", "",
     "Print one JSON object instead of text.",
     kGenerate | kTokenize | kInspect, [](S& s, const A& a) { s.json = a.boolean(); }},
    {"Output", "--logprobs", "N", "",
     "With --json: each token's log-probability and the N likeliest tokens; up to 100.",
     kGenerate,
     [](S& s, const A& a) {
       s.generate.top_logprobs = static_cast<int>(a.integer(0, kMaxLogprobs));
     }},
    {"Output", "--no-display-prompt --silent-prompt", "", "",
     "Do not print the prompt before its continuation.",
     kGenerate, [](S& s, const A& a) { s.display_prompt = !a.boolean(); }},
    {"Output", "--raw", "", "",
     "Print control characters of the answer on a terminal as they are.",
     kGenerate, [](S& s, const A& a) { s.raw_output = a.boolean(); }},
    {"Output", "--color", "[always|never|auto]", "auto",
     "Colours in a chat. auto: on terminals, unless NO_COLOR is set or TERM is dumb; "
     "CLICOLOR_FORCE=1 has them elsewhere, too.",
     kGenerate, set_color},
    {"Output", "--log-disable", "", "",
     "Nothing but errors on standard error.",
     kEverywhere, [](S& s, const A& a) { s.quiet = a.boolean(); }},
    {"Output", "--verbose-prompt", "", "",
     "Write the prompt's token ids and pieces on standard error.",
     kGenerate, [](S& s, const A& a) { s.verbose_prompt = a.boolean(); }},

    {"Speed", "--threads -t", "N", "0: the physical cores this process may use",
     "Worker threads, up to 1024.",
     kGenerate | kQuantize,
     [](S& s, const A& a) { s.load.num_threads = static_cast<int>(a.integer(0, kMaxThreads)); },
     "LLAMA_ARG_THREADS"},
    {"Speed", "--batch-size -b --prefill-chunk --ubatch-size -ub", "N", "512, 2048 on a card",
     "Prompt tokens of one pass over the weights, 1 to 4096. The answers are the same.",
     kGenerate,
     [](S& s, const A& a) { s.load.prefill_chunk = static_cast<int>(a.integer(1, 4096)); }},
    {"Speed", "--gpu", "auto|disable|nvidia", "auto",
     "Where to run. auto: on an NVIDIA card if there is one that can be used; a line on standard "
     "error says which, or why not. With nvidia, a missing card is an error.",
     kGenerate | kBench, set_device},
    {"Speed", "--n-gpu-layers -ngl --gpu-layers", "N|auto|all", "auto: as many as fit",
     "Layers on the graphics card, counted from the last one; the others run on the CPU. More than "
     "there are (999): all. Without a card everything runs on the CPU, and a line says so.",
     kGenerate | kBench, set_gpu_layers, "LLAMA_ARG_N_GPU_LAYERS"},

    {"Speed", "--speculate --spec-type", "none|ngram", "none",
     "With ngram, guess the next tokens from what followed where the text so far read the same, "
     "and check the guess in one pass over the weights. Pays where an answer quotes or edits the "
     "prompt. The answers are the same.",
     kGenerate,
     [](S& s, const A& a) {
       const std::size_t word = a.choice({"none", "ngram", "ngram-simple"});
       s.generate.speculate = word == 0 ? Speculation::none : Speculation::ngram;
     }},
    {"Speed", "--draft-max --draft --draft-n --spec-draft-n-max", "N", "24",
     "With --speculate, guess at most this many tokens at once, 1 to 63. Fewer are, down to none, "
     "where guesses turn out wrong.",
     kGenerate,
     [](S& s, const A& a) { s.generate.draft_tokens = static_cast<int>(a.integer(1, 63)); },
     "LLAMA_ARG_DRAFT_MAX"},

    {"Tokenize", "--bos", "", "",
     "Begin every line with <bos>.",
     kTokenize, [](S& s, const A& a) { s.bos = a.boolean(); }},
    {"Tokenize", "--pieces", "", "",
     "Print the pieces instead of their ids.",
     kTokenize, [](S& s, const A& a) { s.pieces = a.boolean(); }},

    {"Quantize", "--type", "q6_k|q8_0|bf16|f16|f32", "",
     "How matrices are stored. Required.",
     kQuantize, [](S& s, const A& a) { s.quantize_type = storage_type(a); }},
    {"Quantize", "--embedding-type --token-embedding-type", "q6_k|q8_0|bf16|f16|f32", "as --type",
     "How the embedding is stored; it is the output head, too.",
     kQuantize, [](S& s, const A& a) { s.embedding_type = storage_type(a); }},

    {"Bundle", "--output -o", "OUT", "",
     "The program to write, beside its model. Required.",
     kBundle, [](S& s, const A& a) { s.bundle_output = a.text(); }},
    {"Bundle", "--args", "FILE", "",
     "Options that OUT begins its command line with, one argument a line; a line '...' stands for "
     "the command line's own. The later of two options wins.",
     kBundle, [](S& s, const A& a) { s.bundle_arguments = a.text(); }},

    {"Information", "--help -h", "", "",
     "Print this text.",
     kEverywhere, [](S& s, const A& a) { s.show_help = a.boolean(); }},
    {"Information", "--version", "", "",
     "Print the version.",
     kEverywhere, [](S& s, const A& a) { s.show_version = a.boolean(); }},
    {"Information", "--print-man", "", "",
     "Print the manual page in roff.",
     kGenerate, [](S& s, const A& a) { s.print_man = a.boolean(); }},
    {"Information", "--print-completion", "bash|zsh|fish", "",
     "Print what completes this program's command lines in that shell.",
     kGenerate,
     [](S& s, const A& a) {
       constexpr std::array kShells{"bash", "zsh", "fish"};
       s.print_completion = kShells[a.choice({"bash", "zsh", "fish"})];
     }},
};
// clang-format on

}  // namespace

std::span<const Flag> own_flags() {
  return kFlags;
}

}  // namespace gemma2::cli
