FROM tiny
COPY [a-z]ne /class
