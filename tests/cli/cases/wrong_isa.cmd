GEMMA2_ISA=sparc gemma2-cli -m model.gguf -p x
