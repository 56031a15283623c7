gemma2-cli -m model.gguf -p x -n 0 -ngl all && gemma2-cli -m model.gguf -p x -n 0 -ngl auto && gemma2-cli -m model.gguf -p x -n 0 -ngl 0
