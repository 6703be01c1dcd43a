FROM tiny
COPY one
