# The same ids from a GGUF, a .llamafile, a directory and a tokenizer.model.
for model in model.gguf model.llamafile hf hf/tokenizer.model; do
  gemma2-cli tokenize -m "$model" -p 'tell me about the fox'
done | uniq | wc -l
