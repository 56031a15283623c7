gemma2-cli -m model.gguf -n 0 -p $'a\xffb\xe2\x82' --log-disable; gemma2-cli -m model.gguf -n 0 -p $'\xc3\x28'
