# An answer that is not whole is told by the exit status.
gemma2-cli -m model.gguf -p hello --temp 0 -n 1 --json-object --log-disable >/dev/null
