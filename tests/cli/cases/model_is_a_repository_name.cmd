gemma2-cli -m google/gemma-2-2b-it -p x
