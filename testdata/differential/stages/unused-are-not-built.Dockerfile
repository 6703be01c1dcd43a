FROM tiny AS used
COPY one /one
FROM tiny AS unused
COPY not-there /x
FROM used
