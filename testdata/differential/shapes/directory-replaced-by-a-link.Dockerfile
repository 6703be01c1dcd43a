FROM box
RUN mkdir /real && mv /old /real/old && ln -s real/old /old
COPY one /old/one
