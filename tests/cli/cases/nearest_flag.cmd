gemma2-cli --tmep 1; gemma2-cli --prompt-chache x; gemma2-cli tokenize --peices; gemma2-cli --zzzzzz; exit 0
