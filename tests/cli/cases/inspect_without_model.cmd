gemma2-cli inspect
