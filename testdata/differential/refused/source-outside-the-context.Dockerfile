FROM tiny
COPY links/out/secret /x
