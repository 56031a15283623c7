gemma2-cli -m model.gguf -p x --recompile --gpu amd
