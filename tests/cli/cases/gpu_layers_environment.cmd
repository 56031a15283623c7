LLAMA_ARG_N_GPU_LAYERS=99 gemma2-cli -m model.gguf -p x -n 0
