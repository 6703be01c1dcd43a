FROM box
COPY one /old/b
COPY two /etc/shadow
