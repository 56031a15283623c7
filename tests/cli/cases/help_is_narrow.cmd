gemma2-cli --help | awk 'length > 100'
