FROM box
WORKDIR /old
WORKDIR /old/deep
