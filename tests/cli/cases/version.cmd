gemma2-cli --version
