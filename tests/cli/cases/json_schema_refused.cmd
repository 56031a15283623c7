# A keyword that is not supported ends the program before a model is read.
gemma2-cli -m model.gguf -p hello -j '{"properties":{"a":{"pattern":"x"}}}'
