printf 'one day\none day\n' >lines
gemma2-cli tokenize -m model.gguf -f lines | uniq | wc -l
gemma2-cli tokenize -m model.gguf -f - <lines | wc -l
