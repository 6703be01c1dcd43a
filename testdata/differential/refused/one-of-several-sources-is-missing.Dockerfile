FROM tiny
COPY one not-there /x/
