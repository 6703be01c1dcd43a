FROM box AS tiny
COPY one /one
FROM tiny
COPY two /two
