gemma2-cli tokenize -m model.gguf --json -e -p 'is the\nfox\xff'
