gemma2-cli -m model.gguf -p x -n 0 --gpu auto -ngl 99 --log-disable 2>said; test ! -s said
