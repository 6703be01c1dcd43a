FROM box
RUN rm -r /old; mkdir /old; echo new > /old/new
RUN rm -r /old; mkdir -p /old/deep; echo newer > /old/deep/c
