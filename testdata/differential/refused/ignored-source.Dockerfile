FROM tiny
COPY one /x
