FROM tiny
COPY dir/* /visible/
COPY dir/.* /hidden/
