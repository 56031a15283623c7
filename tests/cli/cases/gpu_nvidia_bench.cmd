gemma2-cli bench -m model.gguf --gpu nvidia -ngl 99 -p 4 -n 0 -r 1
