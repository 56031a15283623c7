{ printf 'hello\n'; printf '%200s\n' | tr ' ' '~'; } | gemma2-cli -m model.gguf --chat -n 3 --log-disable >/dev/null
