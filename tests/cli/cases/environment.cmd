# The command line wins over GEMMA2_*, and that over LLAMA_ARG_*.
export GEMMA2_LOG_DISABLE=1
count() { gemma2-cli -m model.gguf -p hello --ignore-eos --json "$@" | grep -o '"completion_tokens":[0-9]*'; }
LLAMA_ARG_N_PREDICT=3 count
LLAMA_ARG_N_PREDICT=3 GEMMA2_N_PREDICT=4 count
GEMMA2_N_PREDICT=4 count -n 5
GEMMA2_MODEL=none.gguf GEMMA2_PROMPT=other gemma2-cli model.gguf -p hello -n 0
echo
GEMMA2_TEMP=hot gemma2-cli -m model.gguf -p hello
