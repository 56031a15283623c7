gemma2-cli -m model.gguf -p x -n 0 --log-disable -ctk f32 -ctv f32; gemma2-cli -m model.gguf -p x -ctk q8_0
