FROM tiny
COPY not-*.txt /x/
