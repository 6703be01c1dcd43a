FROM box
COPY one /old/again
