FROM tiny
COPY one /new/path/name
COPY two /new2/path/
