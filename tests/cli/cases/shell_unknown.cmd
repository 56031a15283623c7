gemma2-cli --print-completion tcsh
