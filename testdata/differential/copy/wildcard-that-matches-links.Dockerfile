FROM tiny
COPY links/to-* /links/
