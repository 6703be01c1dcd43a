FROM tiny
COPY [a-z]ne [^a-s]wo /x/
COPY src/*.[ch] /src/
