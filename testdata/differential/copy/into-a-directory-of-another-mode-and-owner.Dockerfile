FROM box
COPY one /old/
COPY dir /old/deep
