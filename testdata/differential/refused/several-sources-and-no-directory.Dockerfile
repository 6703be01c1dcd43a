FROM tiny
COPY one two /x
