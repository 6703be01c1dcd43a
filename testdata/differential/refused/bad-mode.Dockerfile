FROM tiny
COPY --chmod=999 one /x
