FROM tiny
COPY one there
COPY dir some/where
