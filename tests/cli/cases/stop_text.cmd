# hello.gguf says its prompt again and again. A stop string is not printed, not even in part.
gemma2-cli -m hello.gguf -p hello -n 60 --temp 0 --log-disable --stop NEVER -r llohel
echo
gemma2-cli -m hello.gguf -p hello -n 60 --temp 0 --log-disable -e --stop '\x6clo' --json |
  grep -o '"text":"[a-z]*","finish_reason":"[a-z]*","stop_reason":"[a-z_]*","stop_text":"[a-z]*"'
gemma2-cli -m hello.gguf -p hello -n 4 --temp 0 --log-disable --stop "lohello$(printf '%0100d')"
