FROM tiny AS First
COPY one /one
FROM tiny AS other
COPY --from=FIRST /one /two
FROM fiRST
COPY --from=OTHER /two /two
