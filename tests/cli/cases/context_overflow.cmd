# Row 10: 65 tokens into a context of 64; nothing on standard output.
gemma2-cli -m model.gguf -c 64 -p "$(printf '%64s' | tr ' ' '~')"
