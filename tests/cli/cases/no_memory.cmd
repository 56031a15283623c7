# A context that does not fit into what the process may have: what is missing, and what takes less.
[ -n "$SANITIZE" ] && { echo 'sanitizers need the address space' >&2; exit 77; }
ulimit -v 150000
gemma2-cli -m blocks.gguf -c 131072 --kv-type f32 -t 1 -p x
