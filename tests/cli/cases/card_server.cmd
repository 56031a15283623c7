gemma2-cli -m model.gguf --server --nobrowser --host 0.0.0.0
