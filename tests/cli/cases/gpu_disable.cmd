# Two options that contradict each other: the one that names the device wins.
gemma2-cli -m model.gguf -p x -n 0 --gpu disable -ngl 99
