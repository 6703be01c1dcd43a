FROM tiny
COPY one /Case
COPY two /case
