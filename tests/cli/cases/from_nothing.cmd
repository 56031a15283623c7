gemma2-cli -m model.gguf -p '<bos>' --parse-special --no-display-prompt -n 0 --verbose-prompt
