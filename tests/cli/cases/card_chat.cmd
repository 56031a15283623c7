printf '/help\n' | gemma2-cli model.llamafile --chat -p 'you are the ghost of edgar allen poe'
