# As spm_encode does: the markers are read from text, <bos> and its kind never are.
gemma2-cli tokenize -m model.gguf --parse-special --pieces -p '<start_of_turn>user<eos> the<end_of_turn>'
gemma2-cli tokenize -m model.gguf --parse-special --bos --pieces -p '<bos>'
gemma2-cli tokenize -m model.gguf --pieces -p '<end_of_turn>'
