gemma2-cli --pieces
