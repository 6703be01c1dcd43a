FROM tiny
COPY docs src /x/
