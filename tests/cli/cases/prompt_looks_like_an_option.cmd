gemma2-cli -m model.gguf -n 0 --log-disable -p -st; gemma2-cli -m model.gguf -n 0 --log-disable --prompt=--chat; gemma2-cli -m model.gguf -n 0 --log-disable -p '[a,b]'
