gemma2-cli model.llamafile --cli -p 'four score and seven' -n 0 --log-disable
