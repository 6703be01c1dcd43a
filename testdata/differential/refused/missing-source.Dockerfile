FROM tiny
COPY not-there /x
