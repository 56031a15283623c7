gemma2-cli -m model.gguf -p x -n 0 --log-disable --mirostat 0 --tfs 1.0 --typical 1 -fa on -tb 4 --color --keep -1
