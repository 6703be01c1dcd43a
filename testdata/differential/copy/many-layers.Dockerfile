FROM tiny
COPY one /f
COPY two /f
COPY one /g
COPY dir /g2
COPY html /g2
