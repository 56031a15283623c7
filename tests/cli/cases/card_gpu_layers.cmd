gemma2-cli -m model.gguf -p x -n 0 -ngl 999 --recompile --gpu auto --max-new-tokens 0
