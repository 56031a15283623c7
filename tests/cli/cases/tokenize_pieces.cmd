gemma2-cli tokenize -m model.gguf --pieces --bos -p 'one hello  <eos> ~'
