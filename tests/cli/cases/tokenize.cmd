printf ' hello\n\nthe fox <bos>\nlast' | gemma2-cli tokenize -m hf/tokenizer.model
