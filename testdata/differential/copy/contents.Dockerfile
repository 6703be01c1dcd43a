FROM tiny
COPY contents /contents
