FROM tiny
COPY one /x/a
COPY two /x/sub
COPY one /x/other
