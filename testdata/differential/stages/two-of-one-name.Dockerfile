FROM tiny AS a
COPY one /one
FROM tiny AS a
COPY two /two
FROM a
