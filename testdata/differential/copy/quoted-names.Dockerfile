FROM tiny
COPY "one" "/double"
COPY 'two' /single
COPY d"i"r "/part"'ly'
