gemma2-cli tokenize -m model.gguf --parse-special --pieces -p '<start_of_turn>user<eos>'
