FROM tiny
COPY d* /several/
