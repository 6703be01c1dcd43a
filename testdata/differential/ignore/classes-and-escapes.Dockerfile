FROM tiny
COPY src names /x/
