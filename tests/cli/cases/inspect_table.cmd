gemma2-cli inspect hf | sed -n '1,12p'
